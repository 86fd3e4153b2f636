/** The ends of exchanges of toFetch: a response with a declared length ends with its last octet, and reading may go on after it. */
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../../bridges/express/index.ts';
import { type FetchHandler, toFetch } from '../../../bridges/fetch/index.ts';
import type { ApplicationFunction } from '../../../src/wsgi.ts';

const get = (method = 'GET'): Request => new Request('http://fetch.test/', { method });

/** Answers three octets, and ends later. */
function programOf(events: string[]): FetchHandler {
  const app = express().use((_request, response) => {
    response.on('finish', () => events.push('finish')).on('close', () => events.push('close'));
    response.setHeader('Content-Length', '3');
    response.write('abc');
    setTimeout(() => response.end(), 5);
  });
  return toFetch(fromExpress(app));
}

describe('a wrapped program with Content-Length', () => {
  it.each([0, 50])('loses nothing if its response is read after %i ms', async (milliseconds) => {
    const events: string[] = [];
    const response = await programOf(events)(get());
    await delay(milliseconds);
    expect(await response.text()).toBe('abc');
    await expect.poll(() => events).toEqual(['finish', 'close']);
  });

  it('has finished if its reader leaves with the last octet', async () => {
    const events: string[] = [];
    const response = await programOf(events)(get());
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value).toHaveLength(3);
    await reader?.cancel();
    await expect.poll(() => events).toEqual(['finish', 'close']);
  });

  it('has not finished if nobody takes its content', async () => {
    const events: string[] = [];
    const response = await programOf(events)(get());
    await delay(20);
    await response.body?.cancel();
    await expect.poll(() => events).toEqual(['close']);
  });
});

describe('an application with Content-Length', () => {
  const forms: Record<string, ApplicationFunction> = {
    generator: function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Length', '6']]);
      yield 'abc';
      yield 'def';
    },
    'asynchronous generator': async function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Length', '6']]);
      yield 'abc';
      await delay(5);
      yield 'def';
      await delay(5);
    },
    'write that is not awaited': (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Length', '6']]);
      void write('abc');
      void write('def');
      return [];
    },
    'write and a body': (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Length', '6']]);
      void write('abc');
      return ['def'];
    },
  };

  it.each(Object.entries(forms))('ends its response with the last octet: %s', async (_name, application) => {
    for (const milliseconds of [0, 20]) {
      let ends = 0;
      const response = await toFetch((environ, startResponse) => {
        environ['gateway.on_finished']?.(() => {
          ends += 1;
        });
        return application(environ, startResponse);
      })(get());
      await delay(milliseconds);
      const reader = response.body?.getReader();
      expect((await reader?.read())?.value).toEqual(new TextEncoder().encode('abc'));
      expect((await reader?.read())?.value).toEqual(new TextEncoder().encode('def'));
      await delay(milliseconds);
      await reader?.cancel();
      await expect.poll(() => ends).toBe(1);
    }
  });
});

it('waitUntil waits for an application that reads on after its response', async () => {
  const waited: Promise<unknown>[] = [];
  let length = 0;
  const handle = toFetch((environ, startResponse) => {
    void (async () => {
      for await (const piece of environ['wsgi.input']) length += piece.length;
    })();
    startResponse('200 OK', []);
    return ['Hello'];
  });
  let pieces = 5;
  const body = new ReadableStream({
    async pull(controller) {
      await delay(10);
      pieces -= 1;
      if (pieces < 0) controller.close();
      else controller.enqueue(new Uint8Array(10));
    },
  });
  const request = new Request('http://fetch.test/', { method: 'POST', body, duplex: 'half' });
  const response = await handle(request, { waitUntil: (promise) => waited.push(promise) });
  expect(await response.text()).toBe('Hello');
  expect(length).toBeLessThan(50);
  await Promise.all(waited);
  expect([waited.length, length]).toEqual([1, 50]);
});
