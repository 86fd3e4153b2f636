/** Warnings of slow requests and of a blocked event loop. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type SlownessOptions, warnOfSlowness } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { get, type RunningServer, startServer } from './support.ts';

let running: RunningServer | undefined;
let stop = (): void => {};
afterEach(async () => {
  stop();
  await running?.stop();
  running = undefined;
});

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Answers after the milliseconds of its path; sends the rest of its content later. */
const application: Application = async function* (environ, startResponse) {
  const [, kind, time] = environ.PATH_INFO.split('/');
  if (kind === 'block') block(Number(time));
  else await delay(Number(time));
  if (kind === 'fail') throw new Error('failed');
  startResponse('200 OK', []);
  yield 'a';
  if (kind === 'later') await delay(400);
  yield 'b';
};

async function fetch(target: string): Promise<void> {
  running ??= await startServer(application);
  const client = running.connect();
  client.send(get(target));
  await client.readResponse().catch(() => {});
  client.destroy();
}

const lines = (): string[] =>
  (running?.log ?? []).map((line) => line.replace(/^\S+ /, '').replace(/\d+ ms/, 'N ms'));

describe('slow requests', () => {
  it('are told with the time until their response begins', async () => {
    stop = warnOfSlowness({ slowRequest: 300, eventLoopDelay: 0 });
    await fetch('/wait/1');
    await fetch('/later/1');
    await fetch('/block/320');
    expect(lines()).toEqual(['GET /block/320 Slow request: 200 OK after N ms\n']);
    expect(Number(/after (\d+) ms/.exec(running?.log[0] ?? '')?.[1])).toBeGreaterThanOrEqual(320);
  });

  it('are told while they wait, once, and at their end', async () => {
    stop = warnOfSlowness({ slowRequest: 20, eventLoopDelay: 0 });
    await fetch('/wait/100');
    await vi.waitFor(() => expect(running?.log).toHaveLength(2));
    expect(lines()).toEqual([
      'GET /wait/100 Slow request: no response yet after N ms\n',
      'GET /wait/100 Slow request: 200 OK after N ms\n',
    ]);
  });

  it('are told if their client leaves before', async () => {
    stop = warnOfSlowness({ slowRequest: 20, eventLoopDelay: 0 });
    running = await startServer(application);
    const client = running.connect();
    client.send(get('/wait/200'));
    await delay(60);
    client.reset();
    await vi.waitFor(() => expect(lines().at(-1)).toContain('ended without a response after'));
  });

  it('are told no more after the end', async () => {
    warnOfSlowness({ slowRequest: 10, eventLoopDelay: 0 })();
    await fetch('/wait/30');
    expect(running?.log).toEqual([]);
  });
});

describe('the event loop', () => {
  it('is told when it was blocked, and only then', async () => {
    const written: string[] = [];
    const errors = {
      write: (text: string) => void written.push(text),
      writelines: () => {},
      flush: () => {},
    };
    stop = warnOfSlowness({ slowRequest: 0, eventLoopDelay: 400, errors });
    await delay(1200);
    expect(written).toEqual([]);
    block(600);
    await vi.waitFor(() => expect(written).toHaveLength(1), { timeout: 4000 });
    expect(written[0]).toMatch(/^\S+ The event loop was blocked for [5-9]\d\d ms\n$/);
    await delay(1200);
    expect(written).toHaveLength(1);
  });
});

it.each<SlownessOptions>([{ slowRequest: -1 }, { eventLoopDelay: Number.NaN }])(
  '%j is refused',
  (options) => {
    expect(() => warnOfSlowness(options)).toThrow(RangeError);
  },
);
