import { describe, expect, it } from 'vitest';
import { buildEnviron, runApp } from '../../src/testing/index.ts';
import type { Application, ApplicationFunction, Environ, StartResponse } from '../../src/wsgi.ts';

const PLAIN: [string, string][] = [['Content-Type', 'text/html']];

const simple: Application = (_environ, startResponse) => {
  startResponse('200 OK', PLAIN);
  return ['Hello World!'];
};

const yielding: Application = function* (_environ, startResponse) {
  startResponse('200 OK', PLAIN);
  yield 'Hello ';
  yield 'World!';
};

const late: Application = async function* (_environ, startResponse) {
  yield '';
  startResponse('200 OK', PLAIN);
  yield 'Hello World';
  yield '!';
};

const writing: Application = (_environ, startResponse) => {
  const write = startResponse('200 OK', PLAIN);
  void write('Hello ');
  return ['World!'];
};

const writingLate: Application = async function* (_environ, startResponse) {
  const write = startResponse('200 OK', PLAIN);
  yield 'Hello ';
  await write('World');
  yield '!';
};

class LazyEmpty {
  readonly #startResponse: StartResponse;
  constructor(_environ: Environ, startResponse: StartResponse) {
    this.#startResponse = startResponse;
  }
  *[Symbol.iterator](): Generator<Uint8Array> {
    this.#startResponse('200 OK', PLAIN);
    yield* [];
  }
}

/** Makes an application with an endless body, and counts its steps and closes. */
function endless(): { application: ApplicationFunction; counts: { steps: number; closes: number } } {
  const counts = { steps: 0, closes: 0 };
  function* ticks(): Generator<string> {
    for (;;) {
      counts.steps += 1;
      yield 'tick';
    }
  }
  const application: ApplicationFunction = (_environ, startResponse) => {
    startResponse('200 OK', PLAIN);
    return Object.assign(ticks(), { close: () => (counts.closes += 1) });
  };
  return { application, counts };
}

describe('runApp()', () => {
  describe.each([true, false, undefined])('buffered: %s', (buffered) => {
    it.each(Object.entries({ simple, yielding, late, writing, writingLate }))(
      'runs %s',
      async (_name, application) => {
        const { status, statusCode, headers, body } = await runApp(application, buildEnviron(), {
          buffered,
          // Some of them are right on hosts only.
          validate: false,
        });
        expect([status, statusCode, headers.get('content-type')]).toEqual(['200 OK', 200, 'text/html']);
        expect(await body.text()).toBe('Hello World!');
      },
    );

    it('runs an application that starts and yields nothing', async () => {
      const { status, body } = await runApp(LazyEmpty, buildEnviron(), { buffered });
      expect(status).toBe('200 OK');
      expect(await body.bytes()).toHaveLength(0);
    });
  });

  it('iterates the body only as it is read, after the chunk that sends the head', async () => {
    const { application, counts } = endless();
    const { body } = await runApp(application, buildEnviron(), { buffered: false });
    expect(counts).toEqual({ steps: 1, closes: 0 });
    const chunks: string[] = [];
    for await (const chunk of body) {
      chunks.push(String(chunk));
      if (chunks.length === 2) break;
    }
    expect([chunks, counts]).toEqual([['tick', 'tick'], { steps: 2, closes: 1 }]);
  });

  it('takes what fits into the buffers of a host in advance', async () => {
    const { application, counts } = endless();
    const { body } = await runApp(application, buildEnviron());
    expect(counts).toEqual({ steps: 16_384 / 'tick'.length, closes: 0 });
    await body.close();
    expect(counts.closes).toBe(1);
  });

  it('does not wait for a body that waits', async () => {
    const application: Application = async function* (environ, startResponse) {
      startResponse('200 OK', PLAIN);
      yield 'a';
      await new Promise((resolve) => environ['gateway.signal']?.().addEventListener('abort', resolve));
    };
    const { body } = await runApp(application, buildEnviron());
    await body.close();
  });

  it('closes an unread body once', async () => {
    const { application, counts } = endless();
    const { body } = await runApp(application, buildEnviron(), { buffered: false });
    await body.close();
    await body.close();
    expect(await body.bytes()).toHaveLength(0);
    expect(counts).toEqual({ steps: 1, closes: 1 });
  });

  it('closes a body once that was read to its end', async () => {
    let closes = 0;
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', PLAIN);
      return Object.assign(['a'], { close: () => (closes += 1) });
    };
    const { body } = await runApp(application, buildEnviron(), { buffered: false });
    expect(closes).toBe(0);
    await body.text();
    await body.close();
    expect(closes).toBe(1);
    await runApp(application, buildEnviron(), { buffered: true });
    expect(closes).toBe(2);
  });

  it('gives the application a copy of the environ', async () => {
    const environ = buildEnviron();
    await runApp(async (own, startResponse) => {
      own.PATH_INFO = 'changed';
      startResponse('200 OK', PLAIN);
      return [];
    }, environ);
    expect(environ.PATH_INFO).toBe('/');
  });

  it('throws what the application throws, and closes its body', async () => {
    const error = new Error('audit');
    let closes = 0;
    const application: Application = () => {
      const body = (async function* () {
        yield '';
        throw error;
      })();
      return Object.assign(body, { close: () => (closes += 1) });
    };
    await expect(runApp(application, buildEnviron(), { validate: false })).rejects.toBe(error);
    expect(closes).toBe(1);
    await expect(runApp(() => Promise.reject(error), buildEnviron())).rejects.toBe(error);
  });

  it('throws errors that occur while the body is read', async () => {
    const error = new Error('audit');
    const application: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', PLAIN);
      yield 'a';
      throw error;
    };
    await expect(runApp(application, buildEnviron())).rejects.toBe(error);
    const { body } = await runApp(application, buildEnviron(), { buffered: false });
    await expect(body.text()).rejects.toBe(error);
  });

  it('throws excInfo', async () => {
    const error = new Error('audit');
    const application: Application = (_environ, startResponse) => {
      startResponse('500 Internal Server Error', PLAIN, error);
      return [];
    };
    await expect(runApp(application, buildEnviron())).rejects.toBe(error);
  });

  it.each<[string, Application, string]>([
    ['never started', () => [], 'WSGI_ERR_START_RESPONSE_MISSING'],
    [
      'started twice',
      (_environ, startResponse) => {
        startResponse('200 OK', PLAIN);
        startResponse('200 OK', PLAIN);
        return [];
      },
      'WSGI_ERR_START_RESPONSE_REPEATED',
    ],
    [
      'started wrongly',
      (_environ, startResponse) => {
        startResponse('200', PLAIN);
        return [];
      },
      'WSGI_ERR_STATUS_INVALID',
    ],
  ])('throws when a response was %s', async (_name, application, code) => {
    await expect(runApp(application, buildEnviron(), { validate: false })).rejects.toMatchObject({ code });
    await expect(runApp(application, buildEnviron())).rejects.toMatchObject({ code: 'WSGI_ERR_RULE_BROKEN' });
  });

  it('rejects a write after the end', async () => {
    let write: ReturnType<StartResponse> | undefined;
    const application: Application = (_environ, startResponse) => {
      write = startResponse('200 OK', PLAIN);
      return [];
    };
    await runApp(application, buildEnviron(), { buffered: true, validate: false });
    await expect(write?.('late')).rejects.toMatchObject({ code: 'WSGI_ERR_WRITE_AFTER_END' });
  });
});

it('awaits objects with then, as hosts do', async () => {
  const thenable = (value: unknown): never =>
    Object.defineProperty({}, 'then', {
      value: (resolve: (value: unknown) => void) => resolve(Promise.resolve(value)),
    }) as never;
  const steps = [{ done: false, value: 'awaited' }, { done: true }];
  const { body } = await runApp((_environ, startResponse) => {
    startResponse('200 OK', PLAIN);
    return thenable({ [Symbol.asyncIterator]: () => ({ next: () => thenable(steps.shift()) }) });
  }, buildEnviron('/'));
  expect(await body.text()).toBe('awaited');
});

it('keeps what it was given, though the application uses the memory again', async () => {
  const { body } = await runApp(async (_environ, startResponse) => {
    const write = startResponse('200 OK', PLAIN);
    const memory = Buffer.alloc(2);
    await write(memory.fill('a'));
    await write(memory.fill('b'));
    return (function* () {
      yield memory.fill('c');
      yield memory.fill('d');
      memory.fill('-');
    })();
  }, buildEnviron('/'));
  expect(await body.text()).toBe('aabbccdd');
});
