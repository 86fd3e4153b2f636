import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FileWrapper } from '../../../src/gateway/file-wrapper.ts';
import type { Environ, StartResponse } from '../../../src/wsgi.ts';
import { RecordingSink, record } from '../../support/recording-sink.ts';

import { answering } from './applications.ts';

describe('runApplication: content', () => {
  it.each([
    ['a string', 'Hello'],
    ['a Buffer', Buffer.from('x')],
    ['null', null],
    ['undefined', undefined],
    ['false', false],
    ['a number', 5],
    ['an object', {}],
    ['a DataView', new DataView(new ArrayBuffer(1))],
  ])('refuses %s as body', async (_what, body) => {
    const { sink, log, done } = record(answering(body));
    await done;
    expect(sink.events[0]).toEqual(['head', '500 Internal Server Error']);
    expect(log[0]).toContain('must return an iterable');
  });

  it.each([[5], [null], [new ArrayBuffer(1)], [['x']]])('refuses %j as chunk', async (chunk) => {
    for (const body of [[chunk], new Set([chunk])]) {
      const { sink, done } = record(answering(body));
      await done;
      expect(sink.events[0]).toEqual(['head', '500 Internal Server Error']);
    }
  });

  it('refuses strings if strict', async () => {
    const { log } = record(answering(['x']), {}, { strict: true });
    expect(log[0]).toContain('found string');
  });

  it('cuts off surplus content, reports it once, and stops asking', async () => {
    const asked: string[] = [];
    const { sink, log, done } = record(
      answering(
        (function* () {
          for (const chunk of ['abc', 'def', 'ghi']) {
            asked.push(chunk);
            yield chunk;
          }
        })(),
        [['Content-Length', '4']],
      ),
    );
    await done;
    expect(sink.content).toBe('abcd');
    expect(sink.events.at(-1)).toEqual(['end', '']);
    expect(asked).toEqual(['abc', 'def']);
    expect(log).toHaveLength(1);
  });

  it('cuts off the response if the content is too short', async () => {
    for (const body of [['abc'], new Set(['abc'])]) {
      const { sink, log, done } = record(answering(body, [['Content-Length', '5']]));
      await done;
      expect(sink.content).toBe('abc');
      expect(sink.events.at(-1)?.[0]).toBe('abort');
      expect(log).toHaveLength(1);
    }
  });

  it.each([
    ['204 No Content', undefined, false],
    ['304 Not Modified', 9, true],
  ])('sends no content with %s', async (status, contentLength, hasContentLengthField) => {
    const { sink, log } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse(status, [['Content-Length', '9']]);
      return ['a', 'b'];
    });
    expect(sink.head).toMatchObject({ contentLength, hasContentLengthField, isBodiless: true });
    expect(sink.content).toBe('');
    expect(log).toHaveLength(1);
  });

  it('makes a 205 empty', () => {
    const { sink } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse('205 Reset Content', [['Content-Length', '1']]);
      return ['a'];
    });
    expect(sink.head).toMatchObject({ contentLength: 0, hasContentLengthField: false });
    expect(sink.content).toBe('');
  });

  it('leaves the length of an empty 205 in its place', () => {
    const { sink } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse('205 Reset Content', [
        ['Content-Length', '0'],
        ['X-A', 'a'],
      ]);
      return [];
    });
    expect(sink.head).toMatchObject({ contentLength: 0, hasContentLengthField: true });
    expect(sink.head?.headers[0]).toEqual(['Content-Length', '0']);
  });

  it('answers HEAD with the length of the GET response, without content and without a log', () => {
    const { sink, log } = record(answering(['abc']), { method: 'HEAD' });
    expect(sink.head).toMatchObject({ contentLength: 3, isBodiless: true });
    expect(sink.content).toBe('');
    expect(log).toEqual([]);
    expect(record(answering([]), { method: 'HEAD' }).sink.head?.contentLength).toBeUndefined();
  });

  it('ends an infinite body on HEAD and returns its generator', async () => {
    let isReturned = false;
    const { done } = record(
      answering(
        (function* () {
          try {
            for (;;) yield 'x';
          } finally {
            isReturned = true;
          }
        })(),
      ),
      { method: 'HEAD' },
    );
    await done;
    expect(isReturned).toBe(true);
  });

  it('knows the length of a file', async () => {
    const file = { read: () => null, stat: () => ({ size: 0 }), tell: () => 0 };
    const { sink, done } = record(answering(new FileWrapper(file)));
    await done;
    expect(sink.head?.contentLength).toBe(0);
  });

  it('lets others run during an iterable that never waits', async () => {
    let isDone = false;
    let ticks = 0;
    setImmediate(function tick() {
      ticks += 1;
      if (!isDone) setImmediate(tick);
    });
    await record(
      answering(
        (function* () {
          for (let index = 0; index < 1000; index += 1) yield 'x';
        })(),
      ),
    ).done;
    isDone = true;
    expect(ticks).toBeGreaterThan(10);
  });
});

describe('runApplication: write', () => {
  it('keeps order, sends before yielded chunks, and leaves the length open', async () => {
    const { sink, done } = record((_environ: Environ, startResponse: StartResponse) => {
      const write = startResponse('200 OK', []);
      void write('1');
      void write(Buffer.from('2'));
      return ['3'];
    });
    await done;
    expect(sink.content).toBe('123');
    expect(sink.head?.contentLength).toBeUndefined();
  });

  it('queues for a slow client', async () => {
    const sink = new RecordingSink();
    let release = (): void => {};
    sink.wait = new Promise((resolve) => {
      release = resolve;
    });
    const { done } = record(
      (_environ: Environ, startResponse: StartResponse) => {
        const write = startResponse('200 OK', []);
        void write('1');
        void write('2');
        return ['3'];
      },
      {},
      { sink },
    );
    await delay(5);
    expect(sink.content).toBe('1');
    release();
    await done;
    expect(sink.content).toBe('123');
  });

  it('truncates and rejects beyond the declared length', async () => {
    let rejected: unknown;
    const { sink, done } = record(async (_environ: Environ, startResponse: StartResponse) => {
      await startResponse('200 OK', [['Content-Length', '2']])('abc').catch((error) => {
        rejected = error;
      });
      return [];
    });
    await done;
    expect(rejected).toHaveProperty('code', 'WSGI_ERR_CONTENT_LENGTH_EXCEEDED');
    expect(sink.content).toBe('ab');
    expect(sink.events.at(-1)).toEqual(['end', '']);
  });

  it('fails the response for an invalid chunk, even if its promise is ignored', async () => {
    const { sink, done } = record((_environ: Environ, startResponse: StartResponse) => {
      void startResponse('200 OK', [])(5 as unknown as string);
      return ['x'];
    });
    await done;
    expect(sink.events[0]).toEqual(['head', '500 Internal Server Error']);
  });

  it('rejects after the end of the response', async () => {
    let write: ((data: string) => Promise<void>) | undefined;
    await record((_environ: Environ, startResponse: StartResponse) => {
      write = startResponse('200 OK', []);
      return [];
    }).done;
    await expect(write?.('x')).rejects.toThrow(/after the response ended/);
  });
});
