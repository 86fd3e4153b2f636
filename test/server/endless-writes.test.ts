/** An application that writes in a loop, and whose promises settle without a turn of the event loop. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Application } from '../../src/wsgi.ts';
import { get, hello, type RunningServer, startServer } from './support.ts';

let running: RunningServer;
afterEach(() => running.stop());

/** Ends the loop of a server that does not. */
const ENOUGH = 20_000;

describe('an application that writes on and on', () => {
  it.each([
    ['the client resets the connection', 'reset'],
    ['the client closes it', 'destroy'],
    ['the server closes all connections', 'server'],
  ] as const)('hears of the end at the next write: %s', async (_event, way) => {
    let writes = 0;
    let failure: unknown;
    const endless: Application = async (environ, startResponse) => {
      if (environ.PATH_INFO === '/') return hello(environ, startResponse);
      await delay(1);
      const write = startResponse('200 OK', []);
      try {
        while (writes < ENOUGH) {
          await write(Buffer.alloc(100_000));
          writes += 1;
        }
      } catch (error) {
        failure = error;
      }
      return [];
    };
    running = await startServer(endless);
    for (let round = 0; round < 8; round += 1) {
      failure = undefined;
      const client = running.connect();
      client.send(get('/endless'));
      await client.readHead();
      // Reads on, so that the kernel takes all at once.
      client.readRest().catch(() => {});
      await delay(round + 1);
      if (way === 'server') running.server.closeAllConnections();
      else client[way]();
      await vi.waitFor(() => expect(failure).toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' }));
    }
    expect(writes).toBeLessThan(ENOUGH);
    const other = running.connect();
    other.send(get('/'));
    expect((await other.readResponse()).statusCode).toBe(200);
  });
});
