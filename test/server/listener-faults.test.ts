/** Failing listeners and stalled clients leave other connections and the log alone. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hello, type RunningServer, startServer } from './support.ts';

let running: RunningServer;
afterEach(() => running.stop());

describe('a listener that throws', () => {
  it('leaves no octets of its connection in the buffer that all connections share', async () => {
    const thrown: unknown[] = [];
    const onUncaught = (error: unknown): void => void thrown.push(error);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', onUncaught);
    try {
      const seen: string[] = [];
      running = await startServer((environ, startResponse) => {
        seen.push(environ.PATH_INFO);
        return hello(environ, startResponse);
      });
      running.server.once('clientError', () => {
        throw new Error('Listener fails on purpose');
      });
      const [first, second] = [running.connect(), running.connect()];
      // A request that the listener is told of, and a part of the next one.
      const told = 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n';
      first.send(`${told}GET /first`);
      await vi.waitFor(() => expect(thrown).toHaveLength(1));
      // The field is where that part was.
      const line = 'GET /second HTTP/1.1\r\nX: ';
      second.send(`${line.padEnd(told.length, 'x')}GET /other\r\nHost: a\r\n\r\n`);
      expect((await second.readResponse()).statusCode).toBe(200);
      first.send(' HTTP/1.1\r\nHost: a\r\n\r\n');
      await delay(50);
      expect(seen).toEqual(['/second']);
    } finally {
      process.off('uncaughtException', onUncaught);
      for (const listener of others) process.on('uncaughtException', listener);
    }
  });
});

describe('a client that stalls in the middle of content', () => {
  it.each([
    ['after the head', true],
    ['before the head', false],
  ])('%s is not logged as a fault of the application', async (_moment, isSent) => {
    running = await startServer(
      async function* (environ, startResponse) {
        startResponse('200 OK', []);
        if (isSent) yield 'a';
        yield await environ['wsgi.input'].read();
      },
      { requestTimeout: 200, connectionsCheckingInterval: 20 },
    );
    const client = running.connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    expect(await client.farewell()).toBe('end');
    expect(running.log).toEqual([]);
  });
});
