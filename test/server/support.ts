/** Servers and applications for the tests of the standalone server. */
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WireClient } from '../../src/conformance/wire-client.ts';
import { createServer, type Server, type ServerOptions } from '../../src/server/index.ts';
import type { Application, Environ, StartResponse } from '../../src/wsgi.ts';

/** A running server, and the clients of a test. */
export interface RunningServer {
  readonly server: Server;
  /** Text written to `wsgi.errors`, write by write. */
  readonly log: string[];
  connect(): WireClient;
  /** Destroys all clients and stops the server. */
  stop(): Promise<void>;
}

/** Starts a server on a free port. */
export async function startServer(
  application: Application,
  options: ServerOptions = {},
): Promise<RunningServer> {
  const log: string[] = [];
  const clients: WireClient[] = [];
  const errors = {
    write: (text: string) => log.push(text),
    writelines: () => {},
    flush: () => {},
  };
  const environ = { 'wsgi.errors': errors, ...options.environ };
  const server = createServer(application, { ...options, environ });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    log,
    connect() {
      const client = new WireClient(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.destroy();
      await server.shutdown({ timeout: 1000 });
    },
  };
}

/** Answers Hello. */
export function hello(_environ: Environ, startResponse: StartResponse): string[] {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return ['Hello'];
}

/** Answers with the content of the request. */
export async function echo(environ: Environ, startResponse: StartResponse): Promise<Uint8Array[]> {
  const content = await environ['wsgi.input'].read();
  startResponse('200 OK', [['Content-Type', environ.CONTENT_TYPE ?? 'application/octet-stream']]);
  return [content];
}

/** A request without content. */
export const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** Answers with the path, after the number of milliseconds in it. */
export async function echoPath(environ: Environ, startResponse: StartResponse): Promise<string[]> {
  const milliseconds = Number(environ.PATH_INFO.slice(1));
  if (milliseconds > 0) await delay(milliseconds);
  startResponse('200 OK', []);
  return [environ.PATH_INFO];
}
