/** A response that fails in the middle never passes for a whole one. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { createServer, type Server } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';

const folder = new URL('../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};

let server: Server;
afterEach(() => server.shutdown({ timeout: 1 }));

const failing: Application = async function* (_environ, startResponse) {
  startResponse('200 OK', []);
  yield 'partial';
  await delay(50);
  throw new Error('Application fails on purpose');
};

const environ = { 'wsgi.errors': { write: () => {}, writelines: () => {}, flush: () => {} } };
const GET = 'GET / HTTP/1.0\r\n\r\n';

/** Tells how a connection ends: by `end`, by the code of an error, or `open` after some time. */
function ending(socket: Socket, milliseconds: number): Promise<string> {
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.once('end', () => resolve('end'));
    setTimeout(() => resolve('open'), milliseconds);
    socket.resume();
  });
}

it('is reset over TCP', async () => {
  server = createServer(failing, { environ }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(GET);
  expect(await ending(socket, 3000)).toBe('ECONNRESET');
});

it('ends without close_notify over TLS', async () => {
  server = createServer(failing, { environ, tls }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const carrier = connect((server.address() as AddressInfo).port, '127.0.0.1');
  // TLS over a stream, so that the records can be seen.
  const records: number[] = [];
  const stream = new Duplex({
    read() {},
    write: (octets: Buffer, _encoding, done) => void carrier.write(octets, done),
  });
  carrier.on('data', (octets: Buffer) => {
    if (octets[0] !== undefined) records.push(octets[0]);
    stream.push(octets);
  });
  const secure = connectTls({ socket: stream, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  secure.on('error', () => {});
  secure.write(GET);
  secure.resume();
  expect(await ending(carrier, 3000)).toBe('end');
  // 21 is an alert (RFC 5246 §6.2.1), 23 application data.
  expect(records.at(-1)).toBe(23);
  secure.destroy();
});

it.skipIf(process.platform !== 'linux')('is reset over a unix socket if octets were not read', async () => {
  const place = await mkdtemp(join(tmpdir(), 'gatebridge-'));
  try {
    server = createServer(failing, { environ }).listen(join(place, 'socket'));
    await once(server, 'listening');
    const socket = connect(join(place, 'socket'));
    socket.write('POST / HTTP/1.0\r\nContent-Length: 3000000\r\n\r\n');
    socket.write(Buffer.alloc(3_000_000));
    const code = await ending(socket, 3000);
    expect(['ECONNRESET', 'EPIPE']).toContain(code);
  } finally {
    await rm(place, { recursive: true });
  }
});

it('is cut over a unix socket as ever where a length or chunks tell', async () => {
  const place = await mkdtemp(join(tmpdir(), 'gatebridge-'));
  try {
    server = createServer(failing, { environ }).listen(join(place, 'socket'));
    await once(server, 'listening');
    const socket = connect(join(place, 'socket'));
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await ending(socket, 3000)).toBe('end');
    socket.destroy();
  } finally {
    await rm(place, { recursive: true });
  }
});
