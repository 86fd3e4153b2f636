/** The front door of FastCGI. */
export { type FastCgiApplication, type FromFastCgiOptions, fromFastCgi } from './from-fastcgi.ts';
export { type FastCgiServer, type ServeFastCgiOptions, serveFastCgi } from './serve-fastcgi.ts';
