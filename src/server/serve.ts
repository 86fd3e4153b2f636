/** Creates servers: `createServer` makes one, `serve` makes one that listens. */
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import type { Application } from '../wsgi.ts';
import type { ServerOptions } from './options.ts';
import { type SecureServer, Server } from './server.ts';

/** The options of `serve` besides those of `createServer`. */
export const SERVE_OPTIONS = {
  /** The server listens on this TCP port; 0 takes a free one. */
  port: { type: 'port', default: 8_124 },
  /** The server listens on this address. */
  host: { type: 'name', default: '127.0.0.1' },
  /** The server listens on the unix socket with this path, instead of port and host. */
  path: { type: 'name' },
  /** The server listens on this inherited descriptor of a listening socket, instead of port and host. */
  fd: { type: 'count' },
} as const;

/** Options of a server of TLS. */
interface WithTls {
  readonly tls: NonNullable<ServerOptions['tls']>;
}

/** Options of `serve`. */
export interface ServeOptions extends ServerOptions, OptionsOf<typeof SERVE_OPTIONS> {}

/**
 * Creates a server for an application. It does not listen yet.
 *
 * @param application A function, a class or an object with a `call` method
 * @param options Limits, time-outs, TLS
 * @throws TypeError or RangeError if the application or an option is invalid
 * @example
 * const server = createServer((environ, startResponse) => {
 *   startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *   return [Buffer.from('Hello')];
 * });
 * server.listen(8124, '127.0.0.1');
 */
export function createServer(application: Application, options: ServerOptions & WithTls): SecureServer;
export function createServer(application: Application, options?: ServerOptions): Server;
export function createServer(application: Application, options: ServerOptions = {}): Server {
  return new Server(application, options);
}

/**
 * Creates a server and makes it listen.
 *
 * @param application A function, a class or an object with a `call` method
 * @param options Where to listen, and the options of `createServer`
 * @returns the server, once it listens; rejects if it cannot
 * @example
 * const server = await serve(application, { port: 0 });
 * console.log(server.address());
 * await server.shutdown();
 */
export function serve(application: Application, options: ServeOptions & WithTls): Promise<SecureServer>;
export function serve(application: Application, options?: ServeOptions): Promise<Server>;
export async function serve(application: Application, options: ServeOptions = {}): Promise<Server> {
  const server = new Server(application, options, SERVE_OPTIONS);
  const { port, host, path, fd } = settingsOf(SERVE_OPTIONS, options);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    if (fd !== undefined) server.listen({ fd });
    else if (path !== undefined) server.listen({ path });
    else server.listen({ port: Number(port), host });
  });
  return server;
}
