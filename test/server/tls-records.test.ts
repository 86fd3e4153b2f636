/** Octets over TLS arrive whole and in order, however records and calls of the application fall. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { createServer, type Server } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';

const read = (name: string): Buffer => readFileSync(new URL(`../support/tls/${name}`, import.meta.url));
const tls = { key: read('key.pem'), cert: read('cert.pem') };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function start(application: Application): Promise<Server> {
  const server = createServer(application, { tls });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.shutdown({ timeout: 0 }));
  return server;
}

/** Connects a client whose records have at most 512 octets, so that many of them come in one packet. */
async function open(server: Server): Promise<TLSSocket> {
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', ca: tls.cert, rejectUnauthorized: false });
  closing.push(() => client.destroy());
  await once(client, 'secureConnect');
  client.setMaxSendFragment(512);
  return client;
}

/** Reads until the text has a pattern so many times, and gives the first groups. */
async function readAll(client: TLSSocket, pattern: RegExp, count: number): Promise<(string | undefined)[]> {
  let text = '';
  for await (const piece of client.iterator({ destroyOnReturn: false })) {
    text += piece;
    const found = [...text.matchAll(pattern)].map(([, group]) => group);
    if (found.length >= count) return found;
  }
  throw new Error(`Connection has ended after ${text}`);
}

const COUNT = 200;
const paths = Array.from({ length: COUNT }, (_, index) => `/${'x'.repeat(index)}-${index}`);

it.each([
  ['and the application lets the socket be', () => {}],
  // node decrypts what has come before it writes nothing.
  ['and the application writes nothing to its socket', (socket: Socket) => socket.write('')],
])('serves pipelined requests of many records, %s', async (_case, touch) => {
  const server = await start((environ, startResponse) => {
    touch(environ['gateway.socket'] as Socket);
    startResponse('200 OK', [['X-Path', environ.PATH_INFO]]);
    return [];
  });
  const client = await open(server);
  client.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  expect(await readAll(client, /\r\nX-Path: (\S+)\r\n/g, COUNT)).toEqual(paths);
});

it('keeps connections apart that make each other read', async () => {
  const sockets: Socket[] = [];
  const application: Application = (environ, startResponse) => {
    const socket = environ['gateway.socket'] as Socket;
    sockets.push(socket);
    for (const one of sockets) one.write('');
    startResponse('200 OK', [['X-Path', environ.PATH_INFO]]);
    return [];
  };
  const server = await start(application);
  const clients = await Promise.all([open(server), open(server), open(server)]);
  const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
  for (const client of clients) client.write(requests);
  const answers = await Promise.all(
    clients.map((client) => readAll(client, /\r\nX-Path: (\S+)\r\n/g, COUNT)),
  );
  expect(answers).toEqual([paths, paths, paths]);
});

it.each([1, 511, 16_384, 1_000_000])(
  'gives content of %i octets, which the application keeps',
  async (size) => {
    const content = Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz');
    const server = await start(async (environ, startResponse) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of environ['wsgi.input'].chunks()) pieces.push(piece);
      startResponse('200 OK', [['X-Same', String(Buffer.concat(pieces).equals(content))]]);
      return [];
    });
    const client = await open(server);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    client.write(content);
    expect(await readAll(client, /\r\nX-Same: (\S+)\r\n/g, 1)).toEqual(['true']);
  },
);
