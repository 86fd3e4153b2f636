/** Counts the ticks that a request needs, each one a run of node's queue. */
import { createHook } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { buildEnviron } from '../../src/testing/index.ts';

/** Calls a wrapped listener as a synchronous gateway does and counts the ticks that it schedules. */
function countTicks(listener: RequestListener): number {
  const application = fromNode(listener);
  let count = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === 'TickObject') count += 1;
    },
  });
  const environ = buildEnviron('/');
  hook.enable();
  const body = application(environ, () => async () => {});
  hook.disable();
  expect(body).toEqual([Buffer.from('hi')]);
  return count;
}

describe('the ticks of a response', () => {
  it('are none without listeners', () => {
    const count = countTicks((_req, res) => {
      res.writeHead(200, { 'Content-Length': 2 });
      res.end('hi');
    });
    expect(count).toBe(0);
  });

  it('are one with a finish listener', () => {
    const events: string[] = [];
    const count = countTicks((_req, res) => {
      res.on('finish', () => events.push('finish'));
      res.end('hi');
    });
    expect([count, events]).toEqual([1, []]);
  });

  it('are one with a subscriber of the finish channel', () => {
    const finished: unknown[] = [];
    const note = (message: unknown): void => void finished.push(message);
    subscribe('http.server.response.finish', note);
    const count = countTicks((_req, res) => {
      res.end('hi');
    });
    unsubscribe('http.server.response.finish', note);
    expect([count, finished]).toEqual([1, []]);
  });

  it('are at least one with the callback of a write', () => {
    const events: string[] = [];
    const count = countTicks((_req, res) => {
      res.write('hi', () => events.push('written'));
      res.end();
    });
    expect([count > 0, events]).toEqual([true, []]);
  });
});
