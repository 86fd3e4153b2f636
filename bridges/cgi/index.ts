/** The front door of CGI. */
export { type RunCgiOptions, runCgi } from './run-cgi.ts';
