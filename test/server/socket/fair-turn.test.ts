import { afterEach, describe, expect, it } from 'vitest';
import type { Application } from '../../../src/wsgi.ts';
import { get, type RunningServer, startServer } from '../support.ts';

const BURST = 2_000;

let running: RunningServer;

afterEach(() => running.stop());

describe('a download that never waits', () => {
  it('does not hold up other connections', async () => {
    const size = 16_384;
    const total = 8_000_000;
    let given = 0;
    let givenBefore = 0;
    running = await startServer(async (environ, startResponse) => {
      startResponse('200 OK', []);
      if (environ.PATH_INFO !== '/greedy') {
        givenBefore = given;
        return [environ.PATH_INFO];
      }
      return (function* () {
        for (; given < total; given += size) yield Buffer.alloc(size);
      })();
    });
    const [greedy, modest] = [running.connect(), running.connect()];
    for (const client of [greedy, modest]) {
      client.send(get('/first'));
      await client.readResponse();
    }
    greedy.send(get('/greedy'));
    modest.send(get('/modest'));
    expect((await modest.readResponse()).content.toString()).toBe('/modest');
    expect(givenBefore).toBeLessThan(size + 300_000);
    expect((await greedy.readResponse()).content.length).toBe(given);
  });
});

describe.each<[string, (application: Application) => Application]>([
  ['a synchronous application', (application) => application],
  [
    'an asynchronous application',
    (application) => async (environ, startResponse) => {
      await Promise.resolve();
      // The applications here are functions.
      return (application as (...given: unknown[]) => string[])(environ, startResponse);
    },
  ],
])('a burst of pipelined requests to %s', (_name, wrap) => {
  it('does not hold up other connections and is answered completely', async () => {
    const served: string[] = [];
    running = await startServer(
      wrap((environ, startResponse) => {
        served.push(environ.PATH_INFO);
        startResponse('200 OK', []);
        return [environ.PATH_INFO];
      }),
    );
    const [greedy, modest] = [running.connect(), running.connect()];
    for (const client of [greedy, modest]) {
      client.send(get('/first'));
      await client.readResponse();
    }
    served.length = 0;

    greedy.send(get('/greedy').repeat(BURST));
    modest.send(get('/modest'));
    expect((await modest.readResponse()).content.toString()).toBe('/modest');
    expect(served.indexOf('/modest')).toBeLessThan(BURST / 10);
    for (let count = 0; count < BURST; count += 1) {
      expect((await greedy.readResponse()).content.toString()).toBe('/greedy');
    }
    expect(await greedy.isSilent(30)).toBe(true);
  });

  it('is answered to its end when the client closes its half after it', async () => {
    running = await startServer(
      wrap((_environ, startResponse) => {
        startResponse('200 OK', []);
        return [];
      }),
    );
    const client = running.connect();
    client.send(get('/').repeat(BURST));
    client.halfClose();
    for (let count = 0; count < BURST; count += 1) await client.readResponse();
    expect(await client.farewell()).toBe('end');
  });
});
