/** The two ways to a server: made, and made and listening. */
import type { Application } from '../wsgi.ts';
import type { ServerOptions } from './options.ts';
import { Server } from './server.ts';

/** Where `serve` listens. */
export interface ServeOptions extends ServerOptions {
  /** @default 8124 */
  readonly port?: number | undefined;
  /** @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** The path of a unix socket, instead of port and host. */
  readonly path?: string | undefined;
  /** An inherited descriptor of a listening socket, instead of port and host. */
  readonly fd?: number | undefined;
}

/**
 * Creates a server for an application. It does not listen yet.
 *
 * @param application A function, a class or an object with a `call` method
 * @param options Limits, time-outs, TLS
 * @throws TypeError or RangeError if an option has a wrong value, or if the application is none
 * @example
 * const server = createServer((environ, startResponse) => {
 *   startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *   return [Buffer.from('Hello')];
 * });
 * server.listen(8124, '127.0.0.1');
 */
export function createServer(application: Application, options: ServerOptions = {}): Server {
  checkOptions(options);
  return new Server(application, options);
}

/**
 * Serves an application and gives the server once it listens.
 *
 * @param application A function, a class or an object with a `call` method
 * @param options Where to listen, and everything that `createServer` takes
 * @returns the server; the promise rejects if it cannot listen
 * @example
 * const server = await serve(application, { port: 0 });
 * console.log(server.address());
 * await server.shutdown();
 */
export async function serve(application: Application, options: ServeOptions = {}): Promise<Server> {
  checkOptions(options);
  const { port = 8124, host = '127.0.0.1', path, fd } = options;
  const server = createServer(application, options);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    if (fd !== undefined) server.listen({ fd });
    else if (path !== undefined) server.listen({ path });
    else server.listen({ port, host });
  });
  return server;
}

/** A port in the place of the options is the slip that is met most. */
function checkOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  const isPort = typeof options === 'number' || typeof options === 'string';
  const found = typeof options === 'function' ? 'a function' : options;
  throw new TypeError(
    `Options must be an object${isPort ? ` such as { port: ${options} }` : `, not ${found}`}`,
  );
}
