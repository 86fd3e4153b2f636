/** The front door of the standalone server. */
export { DEFAULT_SETTINGS, type ServerOptions, type ServerSettings } from './options.ts';
export { createServer, type ServeOptions, serve } from './serve.ts';
export { type SecureServer, Server, type ShutdownOptions } from './server.ts';
