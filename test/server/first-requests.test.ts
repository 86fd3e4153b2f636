/** Stopping a server while first requests are on their way. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WireClient } from '../../src/conformance/wire-client.ts';
import type { ServerOptions } from '../../src/server/index.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';
import { get, hello, type RunningServer, startServer } from './support.ts';

const folder = new URL('../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};

let running: RunningServer;
afterEach(() => running.stop());

const STOPS: Record<string, () => Promise<void>> = {
  'close()': () =>
    new Promise((resolve) => {
      running.server.close(() => resolve());
    }),
  'shutdown()': () => running.server.shutdown({ timeout: 10_000 }),
};

async function connected(options: ServerOptions = {}): Promise<WireClient> {
  running = await startServer(hello, { connectionsCheckingInterval: 20, ...options });
  const client = running.connect();
  await once(running.server, 'connection');
  return client;
}

describe.each(Object.entries(STOPS))('%s', (name, stop) => {
  it('serves a first request that comes soon', async () => {
    const client = await connected();
    const stopped = stop();
    await delay(500);
    client.send(get('/'));
    const response = await client.readResponse();
    expect(response.content.toString()).toBe('Hello');
    if (name === 'shutdown()') expect(response.headers).toContainEqual(['Connection', 'close']);
    client.destroy();
    await stopped;
  });

  it('serves a first request whose head has begun', async () => {
    const client = await connected({ firstRequestGrace: 100 });
    client.send('GET / HTTP/1.1\r\n');
    await delay(50);
    const stopped = stop();
    await delay(400);
    client.send('Host: a\r\n\r\n');
    expect((await client.readResponse()).content.toString()).toBe('Hello');
    client.destroy();
    await stopped;
  });

  it('drops a connection on which no request comes, after firstRequestGrace', async () => {
    const client = await connected({ firstRequestGrace: 600 });
    await delay(300);
    const started = performance.now();
    const stopped = stop();
    await client.farewell();
    const passed = performance.now() - started;
    expect(passed).toBeGreaterThan(200);
    expect(passed).toBeLessThan(1000);
    client.destroy();
    await stopped;
  });

  it('drops at once a connection that is older', async () => {
    const client = await connected({ firstRequestGrace: 100 });
    await delay(200);
    const started = performance.now();
    const stopped = stop();
    await client.farewell();
    expect(performance.now() - started).toBeLessThan(500);
    client.destroy();
    await stopped;
  });

  it.skipIf(areShortcutsOff)('is not held up by an unfinished handshake', async () => {
    const client = await connected({ tls, firstRequestGrace: 300 });
    client.send(Buffer.from([0x16, 0x03, 0x01]));
    await delay(50);
    const started = performance.now();
    await stop();
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('serves a first request over TLS that comes soon', async () => {
    running = await startServer(hello, { tls, firstRequestGrace: 1000 });
    const { port } = running.server.address() as AddressInfo;
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const client = new WireClient(socket);
    const stopped = stop();
    await delay(300);
    client.send(get('/'));
    expect((await client.readResponse()).content.toString()).toBe('Hello');
    client.destroy();
    await stopped;
  });
});

describe('a server that listens again', () => {
  it('keeps new connections', async () => {
    const client = await connected({ firstRequestGrace: 100 });
    client.destroy();
    await STOPS['close()']?.();
    running.server.listen(0, '127.0.0.1');
    await once(running.server, 'listening');
    const socket = connect((running.server.address() as AddressInfo).port, '127.0.0.1');
    const again = new WireClient(socket);
    await delay(400);
    again.send(get('/'));
    expect((await again.readResponse()).content.toString()).toBe('Hello');
    again.destroy();
  });

  it('tells when it has stopped', async () => {
    await connected({ firstRequestGrace: 50 });
    let isClosed = false;
    running.server.close(() => {
      isClosed = true;
    });
    await vi.waitFor(() => expect(isClosed).toBe(true));
  });
});
