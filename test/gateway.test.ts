import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { ApplicationError, DisconnectError, ProtocolError } from '../src/errors.ts';
import { FileWrapper } from '../src/file-wrapper.ts';
import type { Application, Body, Environ, HeaderList, StartResponse } from '../src/wsgi.ts';
import { RecordingSink, record } from './support/recording-sink.ts';

const GONE = new DisconnectError('WSGI_ERR_DISCONNECTED', 'response');

/** An application that answers 200 with this body. */
function answering(body: unknown, headers: HeaderList = []): Application {
  return (_environ: Environ, startResponse: StartResponse) => {
    startResponse('200 OK', headers);
    return body as Body;
  };
}

describe('runApplication: the synchronous path', () => {
  it('answers an array without a promise, with its length', () => {
    const { sink, done } = record(answering(['a', Buffer.from('б')]));
    expect(done).toBeUndefined();
    expect(sink.head).toMatchObject({ contentLength: 3, hasContentLengthField: false, isBodiless: false });
    expect(sink.events).toEqual([
      ['head', '200 OK'],
      ['write', 'a'],
      ['end', 'б'],
    ]);
  });

  it('keeps the declared length where it is', () => {
    const { sink } = record(answering(['abc'], [['content-length', '3']]));
    expect(sink.head).toMatchObject({ contentLength: 3, hasContentLengthField: true });
  });

  it('waits for a client that is slow to take an array', async () => {
    const sink = new RecordingSink();
    let release = (): void => {};
    sink.wait = new Promise((resolve) => {
      release = resolve;
    });
    const { done } = record(answering(['a', 'b', 'c']), {}, { sink });
    await delay(5);
    expect(sink.content).toBe('a');
    release();
    await done;
    expect(sink.content).toBe('abc');
  });
});

describe('runApplication: the head', () => {
  it('leaves with the first chunk that is not empty', async () => {
    const { sink, done } = record(function* (_environ: Environ, startResponse: StartResponse) {
      startResponse('200 OK', []);
      yield '';
      startResponse('500 Oops', [], new Error('replaced'));
      yield '';
      yield 'x';
    });
    await done;
    expect(sink.events[0]).toEqual(['head', '500 Oops']);
  });

  it('leaves with the first write, even an empty one', () => {
    const sink = new RecordingSink();
    record(
      (_environ: Environ, startResponse: StartResponse) => {
        void startResponse('200 OK', [])('');
        expect(sink.events).toEqual([
          ['head', '200 OK'],
          ['write', ''],
        ]);
        return [];
      },
      {},
      { sink },
    );
    expect(sink.head?.contentLength).toBeUndefined();
  });

  it('is replaced whole by a call with excInfo', () => {
    const { sink } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', [['Content-Length', '99']]);
      startResponse('404 Not Found', [['X-New', '1']], new Error('cause'));
      return ['x'];
    });
    expect(sink.head).toMatchObject({ status: '404 Not Found', headers: [['X-New', '1']], contentLength: 1 });
  });

  it('is a copy: what the application does to its list afterwards changes nothing', () => {
    const headers: HeaderList = [['A', '1']];
    const { sink } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', headers);
      headers.push(['B', '2']);
      return [];
    });
    expect(sink.head?.headers).toEqual([['A', '1']]);
  });

  it.each([
    ['200'],
    ['20X OK'],
    ['200OK'],
    [' 200 OK'],
    ['1000 X'],
    ['100 Continue'],
    ['199 X'],
    [200],
    [null],
    ['200 O\nK'],
    ['200 \u010a'],
    ['200 \x7f'],
  ])('refuses the status %j', (status) => {
    const { sink, log } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse(status as string, []);
      return ['x'];
    });
    expect(sink.events[0]).toEqual(['head', '500 Internal Server Error']);
    expect(log[0]).toContain('Status must be');
  });

  it.each([['200 '], ['299 \xe9t\xe9'], ['999 Whatever']])('accepts the status %j', (status) => {
    const { sink } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse(status, []);
      return ['x'];
    });
    expect(sink.head?.status).toBe(status);
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'HEADERS_INVALID'],
    ['a map', new Map(), 'HEADERS_INVALID'],
    ['a flat pair', ['Content-Type', 'text/plain'], 'HEADERS_INVALID'],
    ['a triple', [['A', '1', '2']], 'HEADERS_INVALID'],
    ['a number as value', [['Content-Length', 5]], 'HEADERS_INVALID'],
    ['a name with a space', [['A B', '1']], 'HEADER_NAME_INVALID'],
    ['a name with a colon', [['A:', '1']], 'HEADER_NAME_INVALID'],
    ['an empty name', [['', '1']], 'HEADER_NAME_INVALID'],
    ['Status', [['sTATUS', '200']], 'HEADER_STATUS'],
    ['a line feed', [['A', '1\nB: 2']], 'HEADER_VALUE_INVALID'],
    ['U+010A', [['A', '\u010a']], 'HEADER_VALUE_INVALID'],
    ['DEL', [['A', '\x7f']], 'HEADER_VALUE_INVALID'],
    ['a hop-by-hop field', [['connection', 'close']], 'HEADER_HOP_BY_HOP'],
    ['Trailers', [['Trailers', 'x']], 'HEADER_HOP_BY_HOP'],
    ['a negative length', [['Content-Length', '-1']], 'CONTENT_LENGTH_INVALID'],
    [
      'two lengths',
      [
        ['Content-Length', '1'],
        ['Content-Length', '1'],
      ],
      'CONTENT_LENGTH_INVALID',
    ],
  ])('refuses %s in the headers, inside the call', (_what, headers, code) => {
    let thrown: unknown;
    record((_environ: Environ, startResponse: StartResponse) => {
      try {
        startResponse('200 OK', headers as HeaderList);
      } catch (error) {
        thrown = error;
        throw error;
      }
      return [];
    });
    expect(thrown).toBeInstanceOf(ApplicationError);
    expect(thrown).toHaveProperty('code', `WSGI_ERR_${code}`);
  });

  it('drops hop-by-hop fields instead when asked to', () => {
    const { sink } = record(
      answering(
        [],
        [
          ['Connection', 'close'],
          ['A', '\t1'],
        ],
      ),
      {},
      { hopByHop: 'drop' },
    );
    expect(sink.head?.headers).toEqual([['A', '\t1']]);
  });

  it('refuses a second call without excInfo, also after a first one that failed', () => {
    for (const first of ['200 OK', 'bad']) {
      const { log } = record((_environ: Environ, startResponse: StartResponse) => {
        try {
          startResponse(first, []);
        } catch {
          // The call has been made all the same.
        }
        startResponse('200 OK', []);
        return [];
      });
      expect(log[0]).toContain('called again');
    }
  });

  it('cannot be sent after a call that failed and was swallowed', () => {
    const { sink } = record((_environ: Environ, startResponse: StartResponse) => {
      try {
        startResponse('200 OK', [['A', '\n']]);
      } catch {
        // Swallowed.
      }
      return ['x'];
    });
    expect(sink.events[0]).toEqual(['head', '500 Internal Server Error']);
  });

  it('throws the very excInfo once the head has left, and cuts the response off even if it is swallowed', async () => {
    const excInfo = { some: 'value' };
    let thrown: unknown;
    const { sink, done } = record(function* (_environ: Environ, startResponse: StartResponse) {
      startResponse('200 OK', []);
      yield 'x';
      try {
        startResponse('500 Oops', [], excInfo);
      } catch (error) {
        thrown = error;
      }
      yield 'y';
    });
    await done;
    expect(thrown).toBe(excInfo);
    expect(sink.events.at(-1)).toEqual(['abort', excInfo]);
  });

  it('throws when called after the end', async () => {
    let late: StartResponse | undefined;
    await record((_environ: Environ, startResponse: StartResponse) => {
      late = startResponse;
      startResponse('200 OK', []);
      return [];
    }).done;
    expect(() => late?.('200 OK', [], new Error('late'))).toThrow(/after the response ended/);
  });
});

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

  it('refuses strings when strict', async () => {
    const { log } = record(answering(['x']), {}, { strict: true });
    expect(log[0]).toContain('found string');
  });

  it('clamps what is too long, says so once, and stops asking', async () => {
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

  it('cuts off what is too short', async () => {
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

  it('answers HEAD with the length of what GET would get, and silently without content', () => {
    const { sink, log } = record(answering(['abc']), { method: 'HEAD' });
    expect(sink.head).toMatchObject({ contentLength: 3, isBodiless: true });
    expect(sink.content).toBe('');
    expect(log).toEqual([]);
    expect(record(answering([]), { method: 'HEAD' }).sink.head?.contentLength).toBeUndefined();
  });

  it('ends an infinite body on HEAD and tells it so', async () => {
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

  it('lets others run while an iterable never waits', async () => {
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
  it('keeps order, goes before what is yielded, and leaves the length open', async () => {
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

  it('queues behind a client that is slow', async () => {
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

  it('fails the response for what is no chunk, also if nobody looks at the promise', async () => {
    const { sink, done } = record((_environ: Environ, startResponse: StartResponse) => {
      void startResponse('200 OK', [])(5 as unknown as string);
      return ['x'];
    });
    await done;
    expect(sink.events[0]).toEqual(['head', '500 Internal Server Error']);
  });

  it('rejects after the end', async () => {
    let write: ((data: string) => Promise<void>) | undefined;
    await record((_environ: Environ, startResponse: StartResponse) => {
      write = startResponse('200 OK', []);
      return [];
    }).done;
    await expect(write?.('x')).rejects.toThrow(/after the response ended/);
  });
});

describe('runApplication: the end', () => {
  it('closes the returned object itself, exactly once, also an array', async () => {
    const close = vi.fn();
    const iterator = { ...[1][Symbol.iterator](), close: vi.fn() };
    const body = { [Symbol.iterator]: () => Object.assign(['x'][Symbol.iterator](), iterator), close };
    await record(answering({ [Symbol.iterator]: () => ['x'][Symbol.iterator](), close })).done;
    expect(close).toHaveBeenCalledTimes(1);
    expect(body.close).toBe(close);
    await record(answering(Object.assign(['x'], { close }))).done;
    expect(close).toHaveBeenCalledTimes(2);
    expect(iterator.close).not.toHaveBeenCalled();
  });

  it.each<[string, Application]>([
    ['iteration throws', answering(throwing('x'))],
    ['startResponse was never called', () => throwing('x')],
    ['the head cannot be sent', answering(throwing(5))],
    ['the length is exceeded', answering(throwing('abc'), [['Content-Length', '1']])],
  ])('closes when %s', async (_what, application) => {
    closed.length = 0;
    const { done } = record(application);
    await done;
    expect(closed).toHaveLength(1);
  });

  it('awaits close, logs its failure and nothing else', async () => {
    const body = Object.assign(['x'], {
      close: async () => {
        await delay(1);
        throw new Error('close failed');
      },
    });
    const { sink, log, done } = record(answering(body));
    await done;
    expect(sink.events.at(-1)?.[0]).toBe('end');
    expect(log).toEqual(['Error: close failed']);
  });

  it('calls back in reverse order, all of them, with what was sent', async () => {
    const calls: unknown[] = [];
    const { environ, done } = record((given: Environ, startResponse: StartResponse) => {
      const onFinished = given['gateway.on_finished'] as (callback: (...args: unknown[]) => void) => void;
      onFinished((...args) => calls.push(args));
      onFinished(() => {
        calls.push('second');
        throw new Error('ignored');
      });
      startResponse('200 OK', [['A', '1']]);
      return ['x'];
    });
    await done;
    expect(calls).toEqual(['second', [environ, '200 OK', [['A', '1']], undefined]]);
  });
});

describe('runApplication: failure', () => {
  it('answers 500 without a stack, or with it when asked', () => {
    const failing = (): never => {
      throw new Error('secret');
    };
    expect(record(failing).sink.content).toBe('Internal Server Error\n');
    expect(record(failing).log).toEqual(['Error: secret']);
    expect(record(failing, {}, { exposeErrors: true }).sink.content).toContain('secret');
    expect(record(failing, { method: 'HEAD' }).sink.content).toBe('');
  });

  it('answers with the status of a protocol error, and does not log it', async () => {
    const { sink, log, done } = record(async () => {
      throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', 10);
    });
    await done;
    expect(sink.head?.status).toBe('413 Content Too Large');
    expect(log).toEqual([]);
  });

  it("hands the very value to a host's error path", async () => {
    for (const value of [undefined, 'a string', new Error('x')]) {
      const sink = new RecordingSink();
      sink.fail = (error) => sink.events.push(['fail', error]);
      const { done, log } = record(
        async () => {
          throw value;
        },
        {},
        { sink },
      );
      await done;
      expect(sink.events).toEqual([['fail', value]]);
      expect(log).toEqual([]);
    }
  });

  it('cuts off after the head and logs', async () => {
    const { sink, log, done } = record(answering(throwing('x')));
    await done;
    expect(sink.events.map(([kind]) => kind)).toEqual(['head', 'write', 'abort']);
    expect(log).toEqual(['Error: thrown by the body']);
  });

  it('survives a wsgi.errors that throws, and an environ that was taken apart', async () => {
    const { sink, done } = record((environ: Environ) => {
      for (const key of Object.keys(environ)) delete environ[key];
      throw new Error('x');
    });
    await done;
    expect(sink.head?.statusCode).toBe(500);
  });
});

describe('runApplication: a client that leaves', () => {
  it('stops the iteration at once, returns the generator, closes, aborts the signal, and logs nothing', async () => {
    const events: string[] = [];
    const recording = record((environ: Environ, startResponse: StartResponse) => {
      const signal = (environ['gateway.signal'] as () => AbortSignal)();
      signal.addEventListener('abort', () => events.push('aborted'));
      startResponse('200 OK', []);
      const body = (async function* () {
        try {
          yield 'x';
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          yield 'y';
        } finally {
          events.push('returned');
        }
      })();
      return Object.assign(body, { close: () => events.push('closed') });
    });
    await delay(5);
    recording.sink.disconnect(GONE);
    await recording.done;
    expect(events).toEqual(['aborted', 'returned', 'closed']);
    expect(recording.log).toEqual([]);
    expect(recording.sink.content).toBe('x');
  });

  it('closes a body that is stuck after closeTimeout', async () => {
    const close = vi.fn();
    const stuck = Object.assign(
      (async function* () {
        yield 'x';
        await new Promise(() => {});
      })(),
      { close },
    );
    const { sink, done } = record(answering(stuck), {}, { closeTimeout: 20 });
    await delay(5);
    sink.disconnect(GONE);
    await done;
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('closes unread the body of an application that comes too late', async () => {
    const close = vi.fn();
    const { sink, done } = record(async (_environ: Environ, startResponse: StartResponse) => {
      await delay(20);
      startResponse('200 OK', []);
      return Object.assign(['x'], { close });
    });
    sink.disconnect(GONE);
    await done;
    expect(close).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(close).toHaveBeenCalledTimes(1));
    expect(sink.content).toBe('');
  });

  it('destroys a stream and cancels a web stream', async () => {
    const readable = new Readable({ read() {} });
    readable.push('x');
    const cancel = vi.fn();
    const web = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('x')), cancel });
    for (const body of [readable, web]) {
      const { sink, done } = record(answering(body), {}, { closeTimeout: 50 });
      await delay(5);
      sink.disconnect(GONE);
      await done;
    }
    expect(readable.destroyed).toBe(true);
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('rejects write without an unhandled rejection', async () => {
    let rejected: unknown;
    const { sink, done } = record(async (_environ: Environ, startResponse: StartResponse) => {
      const write = startResponse('200 OK', []);
      await delay(5);
      void write('ignored');
      await write('x').catch((error) => {
        rejected = error;
      });
      return [];
    });
    sink.disconnect(GONE);
    await done;
    await vi.waitFor(() => expect(rejected).toBe(GONE));
  });
});

describe('runApplication: a sink that rejects', () => {
  it('with the chunk that completes the length is not left unhandled', async () => {
    const sink = new RecordingSink();
    sink.wait = Promise.reject(GONE);
    const { done, log } = record(answering(new Set(['abc']), [['Content-Length', '3']]), {}, { sink });
    await done;
    expect(sink.events.at(-1)).toEqual(['abort', GONE]);
    expect(log).toEqual([]);
  });
});

describe('runApplication: extension keys', () => {
  it('sends early hints before the head only, and checks them', async () => {
    const { sink, done } = record(async (environ: Environ, startResponse: StartResponse) => {
      const earlyHints = environ['gateway.early_hints'] as (headers: HeaderList) => void;
      const informational = environ['gateway.informational'] as (status: number, headers: HeaderList) => void;
      earlyHints([['Link', '</a.css>']]);
      informational(102, []);
      expect(() => earlyHints([['Link', 'a\r\nb']])).toThrow(ApplicationError);
      expect(() => informational(101, [])).toThrow(RangeError);
      await startResponse('200 OK', [])('x');
      earlyHints([['Link', '</late.css>']]);
      return [];
    });
    await done;
    expect(sink.events.filter(([kind]) => kind === 'interim')).toEqual([
      ['interim', 103, [['Link', '</a.css>']]],
      ['interim', 102, []],
    ]);
  });

  it('offers only what the sink can honour', () => {
    const { environ } = record(answering([]));
    expect(environ).toHaveProperty(['gateway.send_trailers']);
    expect(environ).not.toHaveProperty(['gateway.connection']);
  });
});

const closed: string[] = [];

/** A body that gives one chunk, throws, and notes that it was closed. */
function throwing(chunk: unknown): Body {
  const body = {
    *[Symbol.iterator]() {
      yield chunk;
      throw new Error('thrown by the body');
    },
    close: () => closed.push('closed'),
  };
  // The chunk is wrong on purpose in some tests.
  return body as Body;
}
