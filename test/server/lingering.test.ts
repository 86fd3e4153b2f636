/** Uploads that nobody reads: the answer arrives, however the client sends. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WireClient } from '../../src/conformance/wire-client.ts';
import { readBody } from '../../src/index.ts';
import type { ServerOptions } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { connections } from './journal.ts';
import { get, type RunningServer, startServer } from './support.ts';

let running: RunningServer;
afterEach(() => running.stop());

const refuse: Application = (_environ, startResponse) => {
  startResponse('401 Unauthorized', []);
  return ['no'];
};
const readAll: Application = async (environ) => {
  await environ['wsgi.input'].read();
  return [];
};
const readSome: Application = async (environ) => {
  await readBody(environ, { limit: 1000 });
  return [];
};

const SIZE = 12_000_000;
const LENGTH = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n`;
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n';
const PIECE: Buffer = Buffer.alloc(100_000, 'x');
const CHUNK: Buffer = Buffer.concat([Buffer.from('186a0\r\n'), PIECE, Buffer.from('\r\n')]);

async function open(application: Application, options: ServerOptions = {}): Promise<WireClient> {
  running = await startServer(application, { connectionsCheckingInterval: 20, ...options });
  return running.connect();
}

/** Sends everything before it reads, as http.client does. Rejects at a reset. */
async function sendAll(client: WireClient, piece: Buffer, pause: number): Promise<void> {
  for (let sent = 0; sent < SIZE; sent += 100_000) {
    await new Promise<void>((resolve, reject) => {
      client.socket.write(piece, (error) => (error == null ? resolve() : reject(error)));
    });
    if (pause > 0) await delay(pause);
  }
}

describe.each<[string, Application, ServerOptions, number]>([
  ['401 without reading', refuse, {}, 401],
  ['413 from maxBodySize', readAll, { maxBodySize: 1000 }, 413],
  ['413 from readBody', readSome, {}, 413],
])('%s', (_name, application, options, statusCode) => {
  it.each<[string, string, Buffer, number]>([
    ['with a length', `${LENGTH}\r\n`, PIECE, 0],
    ['with a length, slowly', `${LENGTH}\r\n`, PIECE, 5],
    ['in chunks', `${CHUNKED}\r\n`, CHUNK, 0],
    ['after 100 did not come', `${LENGTH}Expect: 100-continue\r\n\r\n`, PIECE, 0],
    ['over HTTP/1.0', LENGTH.replace('1.1', '1.0').concat('\r\n'), PIECE, 0],
  ])('arrives at a client that sends all before it reads, %s', async (_kind, head, piece, pause) => {
    const client = await open(application, options);
    client.send(head);
    await sendAll(client, piece, pause);
    expect((await client.readResponse()).statusCode).toBe(statusCode);
  });
});

describe('a connection that lingers', () => {
  const CLOSING = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

  async function linger(options: ServerOptions = {}): Promise<WireClient> {
    const client = await open(refuse, options);
    client.send(CLOSING);
    await client.readResponse();
    await delay(50);
    expect(await connections(running)).toBe(1);
    return client;
  }

  it('ends when its client has closed', async () => {
    const client = await linger();
    client.halfClose();
    await vi.waitFor(async () => expect(await connections(running)).toBe(0));
  });

  it('ends after five seconds of silence', async () => {
    await linger();
    const started = performance.now();
    await vi.waitFor(async () => expect(await connections(running)).toBe(0), 8000);
    expect(performance.now() - started).toBeGreaterThan(4800);
  }, 10_000);

  it('is cut if others have lingered less and are too many', async () => {
    const first = await linger({ maxLingering: 2 });
    const others = [running.connect(), running.connect()];
    for (const client of others) {
      client.send(CLOSING);
      await client.readResponse();
    }
    await vi.waitFor(async () => expect(await connections(running)).toBe(2));
    await vi.waitFor(() => {
      first.send('x');
      expect(first.socket.destroyed).toBe(true);
    });
  });

  it('is left alone by close() and closeIdleConnections(), and cut by closeAllConnections()', async () => {
    await linger();
    let isClosed = false;
    running.server.close(() => {
      isClosed = true;
    });
    running.server.closeIdleConnections();
    await delay(200);
    expect(isClosed).toBe(false);
    running.server.closeAllConnections();
    await vi.waitFor(() => expect(isClosed).toBe(true));
  });

  it('is cut by shutdown() at its deadline', async () => {
    await linger();
    const started = performance.now();
    await running.server.shutdown({ timeout: 300 });
    expect(performance.now() - started).toBeGreaterThan(290);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('a slow upload that nobody reads', () => {
  const SLOW = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n';

  it('keeps its connection as long as it goes on', async () => {
    const client = await open(refuse, { drainTimeout: 400 });
    client.send(SLOW);
    expect((await client.readResponse()).statusCode).toBe(401);
    for (let count = 0; count < 10; count += 1) {
      await delay(100);
      client.send('x'.repeat(100));
    }
    client.send(get('/'));
    expect((await client.readResponse()).statusCode).toBe(401);
  });

  it('ends after drainTimeout without an octet', async () => {
    const client = await open(refuse, { drainTimeout: 400 });
    client.send(`${SLOW}abc`);
    await client.readResponse();
    const started = performance.now();
    expect(await client.farewell()).toBe('end');
    expect(performance.now() - started).toBeGreaterThan(380);
  });

  it('ends after lingerTimeout in all', async () => {
    const client = await open(refuse, { drainTimeout: 400, lingerTimeout: 800 });
    client.send(SLOW);
    await client.readResponse();
    const started = performance.now();
    const sending = setInterval(() => client.send('x'), 50);
    expect(await client.farewell()).toBe('end');
    clearInterval(sending);
    expect(performance.now() - started).toBeGreaterThan(780);
  });
});
