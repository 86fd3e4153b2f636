/**
 * Servers for the tests of tracing tools, which are run in a process of their own: the tools patch node's modules.
 *
 * The same client visits node:http, the standalone server and mounts. The program answers alike on each.
 */
import { once } from 'node:events';
import {
  createServer as createNodeServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Application } from '../../../src/wsgi.ts';

/** Called where a program answers; the tool says what is current. */
export type Note = (path: string) => unknown;

/** A server under test. */
export interface TracedServer {
  readonly name: string;
  readonly port: number;
  close(): void;
}

const paths = { '/': 200, '/missing': 404, '/late': 200, '/stream': 200 };

/** The paths that the client asks for. */
export const PATHS: readonly string[] = Object.keys(paths);

/** Makes the servers. Imports them now, because a tool must be there first. */
export async function startServers(note: Note): Promise<TracedServer[]> {
  const { createServer } = await import('../../../src/server/index.ts');
  const { fromExpress, toExpress } = await import('../../../bridges/express/index.ts');
  const { toNode } = await import('../../../bridges/node/index.ts');
  const { toFastify } = await import('../../../bridges/fastify/index.ts');
  const { default: express } = await import('express');
  const { default: fastify } = await import('fastify');
  const application: Application = async (environ, startResponse) => {
    const path = environ.PATH_INFO;
    note(path);
    await environ['wsgi.input'].read();
    if (path === '/late') await delay(50);
    note(path);
    startResponse(path === '/missing' ? '404 Not Found' : '200 OK', [['X-Path', path]]);
    if (path !== '/stream') return ['Hello'];
    return (async function* () {
      yield 'a';
      await delay(50);
      note(path);
      yield 'b';
    })();
  };
  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    note(path);
    await readData(request);
    if (path === '/late') await delay(50);
    note(path);
    response.writeHead(path === '/missing' ? 404 : 200, { 'X-Path': path });
    response.write('a');
    if (path === '/stream') {
      await delay(50);
      note(path);
    }
    response.end('b');
  };
  const mountInFastify = async (hijack: boolean): Promise<HttpServer> => {
    const instance = fastify();
    await instance.register(toFastify(application, { hijack }));
    await instance.ready();
    return instance.server;
  };
  const servers = {
    'node:http': createNodeServer((request, response) => void listener(request, response)),
    standalone: createServer(application),
    'standalone with Express': createServer(
      fromExpress(express().use((request, response) => listener(request, response))),
    ),
    'mount in node:http': createNodeServer(toNode(application)),
    'mount in Express': createNodeServer(express().use(toExpress(application))),
    'mount in Fastify': await mountInFastify(false),
    'mount in Fastify with hijack': await mountInFastify(true),
  };
  return Promise.all(
    Object.entries(servers).map(async ([name, server]) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      // It listens on a port.
      return { name, port: (server.address() as AddressInfo).port, close: () => void server.close() };
    }),
  );
}

/** Reads a request as parsers of content do. Tools watch the listeners for 'data'. */
async function readData(request: IncomingMessage): Promise<void> {
  await new Promise((resolve) => request.on('data', () => {}).on('end', resolve));
}

/** Asks for a path, with the given fields. The client is none that a tool patches. */
export async function ask(port: number, path: string, fields: string = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const content = 'the content';
  const framing = `Content-Length: ${content.length}\r\nContent-Type: text/plain\r\n`;
  socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${framing}${fields}\r\n${content}`);
  return Buffer.concat(await socket.toArray()).toString();
}
