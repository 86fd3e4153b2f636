import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { READY } from '../../src/gateway/body-reader.ts';
import { FileWrapper, toApplication } from '../../src/index.ts';
import { END_OF_BODY, wrapBody } from '../../src/middleware/index.ts';
import type { Application, ApplicationFunction, Body, Chunk } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE, TEXT } from './kit.ts';

const around =
  (onChunk?: Parameters<typeof wrapBody>[1], onClose?: () => unknown) =>
  (application: Application): ApplicationFunction => {
    const inner = toApplication(application);
    return (environ, startResponse) => wrapBody(inner(environ, startResponse), onChunk, onClose);
  };

const giving =
  (body: () => Body): ApplicationFunction =>
  (_environ, startResponse) => {
    startResponse('200 OK', [...TEXT]);
    return body();
  };

const upper = (chunk: Chunk) => Buffer.from(chunk).toString().toUpperCase();

describe('every form on every host', () => {
  it.each(EVERYWHERE)(
    '%s, %s: chunks are changed, and the body is closed once',
    async (form, _host, application, ask) => {
      const onClose = vi.fn();
      const answer = await ask(around(upper, onClose)(application));
      expect(answer.text).toBe(form === 'write()' ? 'Hello WORLD' : 'HELLO WORLD');
      expect(answer.log).toBe('');
      expect(onClose).toHaveBeenCalledTimes(1);
    },
  );

  it.each(Object.entries(APPLICATIONS))('%s: three wrappers change nothing', async (_form, application) => {
    const layer = around(
      (chunk) => chunk,
      () => {},
    );
    const plain = await askInProcess(application);
    const wrapped = await askInProcess(layer(layer(layer(application))));
    expect(wrapped.text).toBe(plain.text);
    expect([...wrapped.headers]).toEqual([...plain.headers]);
    expect(wrapped.log).toBe('');
  });
});

describe('an array', () => {
  it('stays an array, and the run synchronous', () => {
    const onClose = vi.fn();
    const { done, sink } = record(around(upper, onClose)(giving(() => ['a', 'b'])));
    expect(done).toBeUndefined();
    expect(sink.head?.contentLength).toBe(2);
    expect(sink.content).toBe('AB');
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  it('is given back itself if nothing changes it', () => {
    const body = ['a'];
    expect(wrapBody(body)).toBe(body);
  });

  it('keeps its length if its close has to be awaited, and the failure of that is logged', async () => {
    const application = around(undefined, async () => {
      throw new Error('cannot close');
    })(giving(() => ['a', 'bé']));
    const { done, sink, log } = record(application);
    await done;
    expect(sink.head?.contentLength).toBe(4);
    expect(sink.content).toBe('abé');
    expect(log).toEqual(['Error: cannot close']);
  });

  it('with close() is closed, once, before onClose', async () => {
    const order: string[] = [];
    const body = Object.assign(['a'], { close: () => order.push('inner') });
    await record(around(upper, () => order.push('outer'))(giving(() => body))).done;
    expect(order).toEqual(['inner', 'outer']);
  });
});

describe('block boundaries', () => {
  it('one chunk comes out for each that goes in', () => {
    const body = wrapBody(new Set(['a', '', 'b']), (chunk) => (chunk === 'a' ? '' : undefined));
    expect([...(body as Iterable<Chunk>)]).toEqual(['', '', 'b']);
  });

  it('END_OF_BODY ends the content, and leaves the inner iteration', async () => {
    const left = vi.fn();
    const endless = function* () {
      try {
        for (let count = 0; ; count += 1) yield `${count}`;
      } finally {
        left();
      }
    };
    const { done, sink } = record(around((chunk) => (chunk === '3' ? END_OF_BODY : chunk))(giving(endless)));
    await done;
    expect(sink.content).toBe('012');
    expect(left).toHaveBeenCalledTimes(1);
  });
});

describe('closing', () => {
  it.each([
    [
      'sync',
      (body: object) =>
        Object.assign(body, {
          *[Symbol.iterator]() {
            yield 'a';
            yield 'b';
          },
        }),
    ],
    [
      'async',
      (body: object) =>
        Object.assign(body, {
          async *[Symbol.asyncIterator]() {
            yield 'a';
            yield 'b';
          },
        }),
    ],
  ])('%s: close() is called once after an early end', async (_kind, make) => {
    const close = vi.fn();
    const onClose = vi.fn();
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '1']]);
      return wrapBody(make({ close }) as Body, undefined, onClose);
    };
    const { done, sink } = record(application);
    await done;
    expect(sink.content).toBe('a');
    expect(close).toHaveBeenCalledTimes(1);
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  it('return() reaches the inner iterator once, also if close() is called as well', async () => {
    const returned = vi.fn(() => ({ done: true as const, value: undefined }));
    const inner = { next: () => ({ done: false, value: 'a' }), return: returned };
    const body = wrapBody({ [Symbol.iterator]: () => inner } as Iterable<Chunk>, upper);
    for (const _chunk of body as Iterable<Chunk>) break;
    await body.close?.();
    await body.close?.();
    expect(returned).toHaveBeenCalledTimes(1);
  });

  it('an inner iteration that was only closed is left too', async () => {
    const left = vi.fn();
    const inner = (function* () {
      try {
        yield 'a';
        yield 'b';
      } finally {
        left();
      }
    })();
    const body = wrapBody(inner, upper);
    (body as Iterable<Chunk>)[Symbol.iterator]().next();
    body.close?.();
    expect(left).toHaveBeenCalledTimes(1);
  });

  it('a failure of onChunk closes the inner body', async () => {
    const left = vi.fn();
    const body = async function* () {
      try {
        yield 'a';
      } finally {
        left();
      }
    };
    const failing = around(() => {
      throw new Error('no');
    });
    const { done, log } = record(failing(giving(body)));
    await done;
    expect(left).toHaveBeenCalledTimes(1);
    expect(log).toEqual(['Error: no']);
  });

  it('return() is not called after an inner failure', async () => {
    const returned = vi.fn();
    const inner = {
      next: () => {
        throw new Error('broken');
      },
      return: returned,
    };
    const { done, log } = record(around(upper)(giving(() => ({ [Symbol.iterator]: () => inner }) as never)));
    await done;
    expect(log).toEqual(['Error: broken']);
    expect(returned).not.toHaveBeenCalled();
  });

  it('onClose runs though close() fails, and the failure is logged', async () => {
    const onClose = vi.fn();
    const close = () => {
      throw new Error('cannot close');
    };
    const { done, log } = record(
      around(upper, onClose)(giving(() => Object.assign(new Set(['a']), { close }))),
    );
    await done;
    expect(onClose).toHaveBeenCalledTimes(1);
    expect(log).toEqual(['Error: cannot close']);
  });

  it('a stream of node that waits is destroyed at once when the client leaves', async () => {
    const stream = new Readable({ read() {} });
    const { done, sink } = record(
      around()(around(upper)(giving(() => stream))),
      {},
      { closeTimeout: 60_000 },
    );
    await new Promise(setImmediate);
    const { disconnection } = await import('../../src/errors.ts');
    sink.disconnect(disconnection('response'));
    await done;
    expect(stream.destroyed).toBe(true);
  });

  it('a stream that was never iterated is destroyed', async () => {
    const stream = new Readable({ read() {} });
    await (wrapBody(stream, upper) as AsyncIterable<Chunk> & AsyncDisposable)[Symbol.asyncDispose]();
    expect(stream.destroyed).toBe(true);
  });

  it('a generator that is stuck does not keep close() from the inner body', async () => {
    const events = new EventEmitter();
    const close = vi.fn();
    const stuck = Object.assign(
      (async function* () {
        yield 'a';
        await once(events, 'never');
      })(),
      { close },
    );
    const { done, sink } = record(around(upper)(giving(() => stuck)), {}, { closeTimeout: 10 });
    await new Promise(setImmediate);
    const { disconnection } = await import('../../src/errors.ts');
    sink.disconnect(disconnection('response'));
    await done;
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('onClose runs if the inner application rejects, or gives no body', async () => {
    const onClose = vi.fn();
    const rejecting = async () => {
      throw new Error('early');
    };
    await record(around(undefined, onClose)(rejecting)).done;
    await record(around(undefined, onClose)(giving(() => 'text' as never))).done;
    expect(onClose).toHaveBeenCalledTimes(2);
  });

  it('no body is refused with the cure', async () => {
    const { log } = record(around(upper)(giving(() => 'text' as never)));
    expect(log[0]).toContain('wrap it in an array');
  });
});

describe('kinds of bodies', () => {
  it('a file keeps its length', async () => {
    const file = () => {
      let left = 'content';
      return {
        read: () => {
          const block = Buffer.from(left);
          left = '';
          return block;
        },
        stat: () => ({ size: 7 }),
        tell: () => 0,
      };
    };
    const { done, sink } = record(around(undefined, () => {})(giving(() => new FileWrapper(file()))));
    await done;
    expect(sink.head?.contentLength).toBe(7);
    expect(sink.content).toBe('content');
  });

  it('a wrapped program keeps its ready steps, an ordinary body has none', () => {
    const withSteps = { next: async () => ({ done: true, value: undefined }), [READY]: () => undefined };
    const ready = wrapBody({ [Symbol.asyncIterator]: () => withSteps } as never) as AsyncIterable<Chunk>;
    expect(READY in ready[Symbol.asyncIterator]()).toBe(true);
    const plain = wrapBody((async function* () {})()) as AsyncIterable<Chunk>;
    expect(READY in plain[Symbol.asyncIterator]()).toBe(false);
  });

  it.each([
    ['gives no body', async () => 'text' as never, 'must return an iterable'],
    ['fails', async () => Promise.reject(new Error('no')), 'no'],
  ] satisfies [string, () => Promise<Body>, string][])(
    'an application that %s is told of, also if onClose fails',
    async (_what, give, message) => {
      const onClose = async (): Promise<never> => Promise.reject(new Error('not closed'));
      await expect(wrapBody(give(), undefined, onClose)).rejects.toThrow(message);
      await new Promise((resolve) => setImmediate(resolve));
    },
  );

  it('a synchronous iterable stays synchronous', () => {
    const body = wrapBody(new Set(['a']), upper);
    expect(Symbol.asyncIterator in body).toBe(false);
    expect([...(body as Iterable<Chunk>)]).toEqual(['A']);
  });
});
