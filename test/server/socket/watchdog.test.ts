import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ApplicationFunction } from '../../../src/wsgi.ts';
import { connections } from '../journal.ts';
import { get, type RunningServer, startServer } from '../support.ts';

let running: RunningServer;
afterEach(() => running.stop());

/** Waits for its client to leave. */
const longPoll: ApplicationFunction = (environ) =>
  new Promise((_resolve, reject) => {
    // Of this type in the environ of our server.
    const signal = (environ['gateway.signal'] as () => AbortSignal)();
    signal.addEventListener('abort', () => reject(signal.reason));
  });

describe('clients that leave before the head', () => {
  it.each([
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
    ['HTTP/1.0 that would be kept', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'],
    ['HTTP/1.1', get('/')],
  ])(
    'are noticed over %s, all of them',
    async (_protocol, request) => {
      running = await startServer(longPoll);
      const clients = Array.from({ length: 20 }, () => running.connect());
      for (const client of clients) client.send(request);
      await vi.waitFor(async () => expect(await connections(running)).toBe(20), 5000);
      await delay(50);
      for (const client of clients) client.destroy();
      await vi.waitFor(async () => expect(await connections(running)).toBe(0), 8000);
      expect(running.log).toEqual([]);
    },
    12_000,
  );

  it('over HTTP/1.0 get an answer that comes soon', async () => {
    running = await startServer(async (_environ, startResponse) => {
      await delay(2000);
      startResponse('200 OK', []);
      return ['late'];
    });
    const client = running.connect();
    client.send('GET / HTTP/1.0\r\n\r\n');
    client.halfClose();
    expect((await client.readResponse()).content.toString()).toBe('late');
  });
});

describe('a client that has closed its half and waits', () => {
  it('costs few writes', async () => {
    let writes = 0;
    running = await startServer((environ, startResponse) => {
      const socket = environ['gateway.socket'] as Socket;
      const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
      socket.write = (...given: unknown[]) => {
        writes += 1;
        return write(...given);
      };
      return longPoll(environ, startResponse);
    });
    const client = running.connect();
    client.send(get('/'));
    client.halfClose();
    await delay(4000);
    expect(writes).toBeGreaterThan(2);
    expect(writes).toBeLessThan(9);
    expect(await connections(running)).toBe(1);
  });
});
