import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { ApplicationError, ProtocolError } from '../../../src/errors.ts';
import type { Application, Body, Environ, HeaderList, StartResponse } from '../../../src/wsgi.ts';
import { RecordingSink, record } from '../../support/recording-sink.ts';

import { answering, closed, GONE, throwing } from './applications.ts';

describe('runApplication: the end', () => {
  it('closes the returned object once, also an array', async () => {
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

  it('awaits close and logs its failure', async () => {
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

  it('calls all callbacks in reverse order with the head that was sent', async () => {
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
  it('answers 500 without a stack, or with it if told to', () => {
    const failing = (): never => {
      throw new Error('secret');
    };
    expect(record(failing).sink.content).toBe('Internal Server Error\n');
    expect(record(failing).log).toEqual(['Error: secret']);
    expect(record(failing, {}, { exposeErrors: true }).sink.content).toContain('secret');
    expect(record(failing, { method: 'HEAD' }).sink.content).toBe('');
  });

  it('logs the code of an error whose stack lacks it', () => {
    const broken = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', [['Connection', 'close']]);
      return [];
    });
    expect(broken.log[0]).toMatch(/^ApplicationError \[WSGI_ERR_HEADER_HOP_BY_HOP\]: Application set/);
    const told = record(() => {
      throw Object.assign(new Error('connect E_MINE'), { code: 'E_MINE' });
    });
    expect(told.log).toEqual(['Error: connect E_MINE']);
  });

  it('answers with the status of a protocol error and does not log it', async () => {
    const { sink, log, done } = record(async () => {
      throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', 10);
    });
    await done;
    expect(sink.head?.status).toBe('413 Content Too Large');
    expect(log).toEqual([]);
  });

  it('passes the thrown value to a host with an error path', async () => {
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

  it('cuts the response off after the head and logs', async () => {
    const { sink, log, done } = record(answering(throwing('x')));
    await done;
    expect(sink.events.map(([kind]) => kind)).toEqual(['head', 'write', 'abort']);
    expect(log).toEqual(['Error: thrown by the body']);
  });

  it('answers 500 even if the application emptied the environ', async () => {
    const { sink, done } = record((environ: Environ) => {
      for (const key of Object.keys(environ)) delete environ[key];
      throw new Error('x');
    });
    await done;
    expect(sink.head?.statusCode).toBe(500);
  });
});

describe('runApplication: a client that leaves', () => {
  it.each([
    ['an invalid body', () => 'a string'],
    ['an error', () => Promise.reject(new Error('too late'))],
  ])(
    'leaves no unhandled rejection if an asynchronous application then ends with %s',
    async (_what, come) => {
      const unhandled = vi.fn();
      process.on('unhandledRejection', unhandled);
      const { done, sink } = record(async () => {
        await delay(10);
        return come() as never;
      });
      sink.disconnect(GONE);
      await done;
      await delay(30);
      process.off('unhandledRejection', unhandled);
      expect(unhandled).not.toHaveBeenCalled();
    },
  );

  it('stops the iteration, returns the generator, closes, aborts the signal, and logs nothing', async () => {
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

  it('closes a stuck body after closeTimeout', async () => {
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

  it('closes the body of a late application without reading it', async () => {
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
  it('leaves no unhandled rejection on the chunk that completes the length', async () => {
    const sink = new RecordingSink();
    sink.wait = Promise.reject(GONE);
    const { done, log } = record(answering(new Set(['abc']), [['Content-Length', '3']]), {}, { sink });
    await done;
    expect(sink.events.at(-1)).toEqual(['abort', GONE]);
    expect(log).toEqual([]);
  });

  it.each<[name: string, body: () => Body]>([
    ['an array', () => ['a']],
    ['several chunks', () => ['a', 'b', 'c']],
    ['no content', () => []],
    ['a generator', () => ['a', 'b'].values()],
    ['an asynchronous generator', () => lettersLater()],
  ])(
    'tells of the departure by `write`, `end` and `sent` too, unless it has told before: %s',
    async (_name, body) => {
      for (const method of ['write', 'end', 'sent'] as const) {
        const sink = new RecordingSink();
        const original: unknown = Reflect.get(sink, method);
        Object.assign(sink, {
          [method](...values: unknown[]): Promise<void> {
            if (typeof original === 'function') Reflect.apply(original, sink, values);
            return Promise.reject(GONE);
          },
        });
        const finished: unknown[] = [];
        const application: Application = (environ, startResponse) => {
          environ['gateway.on_finished']?.((_environ, _status, _headers, error) => finished.push(error));
          startResponse('200 OK', []);
          return body();
        };
        const { done, log } = record(application, {}, { sink });
        await done;
        expect(log).toEqual([]);
        expect(sink.events.filter(([kind]) => kind === 'abort')).toEqual(
          sink.events.some(([kind]) => kind === method) || method === 'sent' ? [['abort', GONE]] : [],
        );
        expect(finished).toHaveLength(1);
      }
    },
  );
});

async function* lettersLater(): AsyncGenerator<string> {
  await Promise.resolve();
  yield 'a';
  yield 'b';
}

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

  it('explains why a length is refused outside the head', () => {
    record((environ: Environ, startResponse: StartResponse) => {
      for (const key of ['gateway.early_hints', 'gateway.send_trailers']) {
        const send = environ[key] as (headers: HeaderList) => void;
        expect(() => send([['Content-Length', '1']])).toThrow(
          'Content-Length cannot be sent: it belongs to the head of the response and nowhere else',
        );
      }
      startResponse('204 No Content', []);
      return [];
    });
    expect.assertions(2);
  });

  it('offers only keys that the sink supports', () => {
    const { environ } = record(answering([]));
    expect(environ).toHaveProperty(['gateway.send_trailers']);
    expect(environ).not.toHaveProperty(['gateway.connection']);
  });
});
