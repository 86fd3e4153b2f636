/** The front door of CGI. */
export { type CgiProgram, type FromCgiOptions, fromCgi } from './from-cgi.ts';
export { type RunCgiOptions, runCgi } from './run-cgi.ts';
