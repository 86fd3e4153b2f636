/** The Response that toFetch makes of what an application does. */
import { describe, expect, it } from 'vitest';
import { toFetch } from '../../../bridges/fetch/index.ts';
import type { Application, ApplicationFunction, Body, Chunk, HeaderList } from '../../../src/wsgi.ts';

const get = (more: RequestInit = {}): Request => new Request('http://fetch.test/', more);

/** An application that answers with a body. */
function answering(body: () => Body, status = '200 OK', headers: HeaderList = []): ApplicationFunction {
  return (_environ, startResponse) => {
    startResponse(status, headers);
    return body();
  };
}

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('the head', () => {
  it('has status, reason and fields, each Set-Cookie in a line of its own', async () => {
    const headers: HeaderList = [
      ['Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
      ['Set-Cookie', 'b=2'],
      ['X-One', 'caf\xe9'],
      ['Vary', 'A'],
      ['Vary', 'B'],
    ];
    const response = await toFetch(answering(() => ['x'], '418 I am a teapot', headers))(get());
    expect(response.status).toBe(418);
    expect(response.statusText).toBe('I am a teapot');
    expect(response.headers.getSetCookie()).toEqual(['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2']);
    expect(response.headers.get('x-one')).toBe('caf\xe9');
    expect(response.headers.get('vary')).toBe('A, B');
    expect(response.headers.get('content-length')).toBe('1');
    expect(response.headers.get('content-type')).toBeNull();
  });

  it.each([204, 205, 304])('of %i has no content', async (status) => {
    const log: string[] = [];
    const errors = { write: (text: string) => void log.push(text), writelines() {}, flush() {} };
    for (const body of [
      () => ['surplus'],
      async function* () {
        yield 'surplus';
      },
    ]) {
      const application = answering(body, `${status} None`, [['X-One', '1']]);
      const response = await toFetch(application, { environ: { 'wsgi.errors': errors } })(get());
      expect(response.status).toBe(status);
      expect(response.body).toBeNull();
      expect(response.headers.get('x-one')).toBe('1');
      expect(response.headers.get('content-length')).not.toBe('7');
    }
    expect(log).toHaveLength(2);
    expect(log[0]).toContain('WSGI_ERR_CONTENT_FORBIDDEN');
  });

  it('of HEAD has the length of the content and no content', async () => {
    const response = await toFetch(answering(() => ['four']))(get({ method: 'HEAD' }));
    expect(response.body).toBeNull();
    expect(response.headers.get('content-length')).toBe('4');
  });

  it('of HEAD to a stream comes without a step that never ends', async () => {
    async function* endless(): AsyncGenerator<Chunk> {
      for (;;) yield 'more';
    }
    const response = await toFetch(answering(endless))(get({ method: 'HEAD' }));
    expect(response.body).toBeNull();
  });

  it.each(['600 Odd', '999 Odd'])('of %s is an error that says why', async (status) => {
    for (const body of [
      () => ['x'],
      async function* () {
        yield 'x';
      },
    ]) {
      const response = await toFetch(answering(body, status), { exposeErrors: true })(get());
      expect(response.status).toBe(500);
      expect(await response.text()).toContain('the Fetch API has none above 599');
    }
  });

  it('leaves with an empty write', async () => {
    let more: (() => void) | undefined;
    const application: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', []);
      void write('');
      await new Promise<void>((resolve) => {
        more = resolve;
      });
      return ['later'];
    };
    const response = await toFetch(application)(get());
    more?.();
    expect(await response.text()).toBe('later');
  });
});

describe('content', () => {
  it('of an array is given whole, without a stream of ours', async () => {
    const chunk = Buffer.from('first');
    const response = await toFetch(answering(() => [chunk]))(get());
    chunk.fill('X');
    expect(await response.text()).toBe('first');
  });

  it('of a small array is given whole, and of a large one streamed', async () => {
    const small = ['one', Buffer.from('two'), 'three'];
    const response = await toFetch(answering(() => small))(get());
    expect(response.headers.get('content-length')).toBe('11');
    expect(await response.text()).toBe('onetwothree');
    const large = [Buffer.alloc(60_000, 'a'), Buffer.alloc(60_000, 'b')];
    const streamed = await toFetch(answering(() => large))(get());
    expect(streamed.headers.get('content-length')).toBe('120000');
    expect(await streamed.text()).toBe('a'.repeat(60_000) + 'b'.repeat(60_000));
  });

  it('of several chunks, written and returned, comes in order', async () => {
    const application: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Length', '9']]);
      void write('one');
      await Promise.all([write('two')]).catch(() => {});
      return ['six'];
    };
    const response = await toFetch(application)(get());
    expect(await response.text()).toBe('onetwosix');
    expect(response.headers.get('content-length')).toBe('9');
  });

  it('is asked for when it is read, one chunk at a time', async () => {
    const steps: number[] = [];
    async function* body(): AsyncGenerator<Chunk> {
      for (let step = 1; step <= 3; step += 1) {
        steps.push(step);
        yield `${step}`;
      }
    }
    const response = await toFetch(answering(body))(get());
    await tick();
    expect(steps).toEqual([1]);
    const reader = response.body?.getReader();
    await reader?.read();
    await tick();
    expect(steps).toEqual([1]);
    await reader?.read();
    await tick();
    expect(steps).toEqual([1, 2]);
    await reader?.read();
    expect((await reader?.read())?.done).toBe(true);
  });

  it('that is read ahead of the application arrives whole', async () => {
    async function* body(): AsyncGenerator<Chunk> {
      for (const chunk of ['a', 'b', 'c']) {
        await tick();
        yield chunk;
      }
    }
    const reader = (await toFetch(answering(body))(get())).body?.getReader();
    const steps = await Promise.all([reader?.read(), reader?.read(), reader?.read(), reader?.read()]);
    expect(steps.map((step) => step?.done || String(step?.value))).toEqual(['97', '98', '99', true]);
  });

  it.each([3, 70_000])('of %i octets may be used again after the next is asked for', async (size) => {
    const chunk = Buffer.alloc(size);
    function* body(): Generator<Chunk> {
      for (const letter of 'abc') yield chunk.fill(letter);
      chunk.fill('X');
    }
    const reader = (await toFetch(answering(body))(get())).body?.getReader();
    const read: (Uint8Array | undefined)[] = [];
    for (let step = await reader?.read(); step && !step.done; step = await reader?.read())
      read.push(step.value);
    expect(read.map((one) => Buffer.from(one ?? []).toString())).toEqual(
      ['a', 'b', 'c'].map((one) => one.repeat(size)),
    );
  });

  it('keeps to Content-Length', async () => {
    const long = answering(() => ['12345'], '200 OK', [['Content-Length', '3']]);
    expect(await (await toFetch(long, { environ: quiet() })(get())).text()).toBe('123');
    const short = answering(() => ['12345'], '200 OK', [['Content-Length', '9']]);
    const response = await toFetch(short, { environ: quiet() })(get());
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value).toEqual(new TextEncoder().encode('12345'));
    await expect(reader?.read()).rejects.toMatchObject({ code: 'WSGI_ERR_CONTENT_LENGTH_SHORT' });
  });
});

describe('the end', () => {
  it('closes the body once, and calls back', async () => {
    const events: string[] = [];
    async function* steps(): AsyncGenerator<Chunk> {
      yield 'x';
    }
    const application: Application = (environ, startResponse) => {
      environ['gateway.on_finished']?.((_environ, status, _headers, error) =>
        events.push(`${status} ${error}`),
      );
      startResponse('200 OK', []);
      return Object.assign(steps(), { close: () => events.push('closed') });
    };
    const waited: Promise<unknown>[] = [];
    const response = await toFetch(application)(get(), { waitUntil: (promise) => waited.push(promise) });
    expect(await response.text()).toBe('x');
    await Promise.all(waited);
    expect(waited).toHaveLength(1);
    expect(events).toEqual(['closed', '200 OK undefined']);
  });

  it('of a body that is cancelled is that of a client that has left', async () => {
    const { application, events } = endless();
    const response = await toFetch(application)(get());
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel(new Error('enough'));
    await expect.poll(() => events).toEqual(['aborted', 'returned', 'closed', 'WSGI_ERR_DISCONNECTED']);
  });

  it('of a request whose signal aborts during the body is that of a client that has left', async () => {
    const { application, events } = endless();
    const left = new AbortController();
    const response = await toFetch(application)(get({ signal: left.signal }));
    const reader = response.body?.getReader();
    await reader?.read();
    left.abort();
    await expect.poll(() => events).toEqual(['aborted', 'returned', 'closed', 'WSGI_ERR_DISCONNECTED']);
    await expect(reader?.read()).rejects.toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
  });

  it('of a request whose signal aborts before the head is that of a client that has left', async () => {
    const left = new AbortController();
    let reason: unknown;
    const application: Application = async (environ) => {
      const signal = environ['gateway.signal']?.();
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      reason = signal?.reason;
      throw reason;
    };
    const answer = toFetch(application)(get({ signal: left.signal }));
    left.abort();
    expect((await answer).status).toBe(499);
    expect(reason).toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
  });

  it('comes at once if the client had left before', async () => {
    const left = new AbortController();
    left.abort();
    const application: Application = () => new Promise<never>(() => {});
    expect((await toFetch(application)(get({ signal: left.signal }))).status).toBe(499);
  });

  it('comes also if waitUntil throws', async () => {
    const { application, events } = endless();
    const waitUntil = (): never => {
      throw new TypeError('Illegal invocation');
    };
    await expect(toFetch(application)(get(), { waitUntil })).rejects.toThrow('Illegal invocation');
    await expect.poll(() => events).toEqual(['aborted', 'returned', 'closed', 'WSGI_ERR_DISCONNECTED']);
  });

  it('leaves no listener on the signal', async () => {
    const left = new AbortController();
    let listeners = 0;
    const request = get({ signal: left.signal });
    const { signal } = request;
    const { addEventListener, removeEventListener } = signal;
    Object.assign(signal, {
      addEventListener: (...values: unknown[]) => {
        listeners += 1;
        return Reflect.apply(addEventListener, signal, values);
      },
      removeEventListener: (...values: unknown[]) => {
        listeners -= 1;
        return Reflect.apply(removeEventListener, signal, values);
      },
    });
    async function* body(): AsyncGenerator<Chunk> {
      yield 'x';
    }
    expect(await (await toFetch(answering(body))(request)).text()).toBe('x');
    await expect.poll(() => listeners).toBe(0);
  });
});

describe('failures', () => {
  it.each([
    [
      'a function',
      () => {
        throw new Error('broken');
      },
    ],
    [
      'an async function',
      async () => {
        throw new Error('broken');
      },
    ],
    [
      'a generator',
      answering(async function* () {
        yield await Promise.reject(new Error('broken'));
      }),
    ],
  ] satisfies [string, Application][])(
    'of %s before the head are a 500, and logged',
    async (_name, application) => {
      const log: string[] = [];
      const response = await toFetch(application, { environ: quiet(log) })(get());
      expect(response.status).toBe(500);
      expect(await response.text()).toBe('Internal Server Error\n');
      expect(log.join()).toContain('broken');
    },
  );

  it('after the head fail the stream, after what was written', async () => {
    const log: string[] = [];
    const application: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', []);
      void write('first');
      throw new Error('broken');
    };
    const response = await toFetch(application, { environ: quiet(log) })(get());
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first');
    await expect(reader?.read()).rejects.toThrow('broken');
    expect(log.join()).toContain('broken');
  });

  it('of the function of option environ are a 500', async () => {
    const fails = (): never => {
      throw new Error('broken');
    };
    const log: string[] = [];
    const application = toFetch(
      answering(() => ['x']),
      { environ: fails },
    );
    const response = await application(get(), { environ: quiet(log) });
    expect(response.status).toBe(500);
    expect(log.join()).toContain('broken');
  });

  it('of a request that is refused are its status', async () => {
    const headers = { a_b: 'c' };
    const handler = toFetch(
      answering(() => ['x']),
      { underscoreHeaders: 'refuse' },
    );
    expect((await handler(get({ headers }))).status).toBe(400);
  });
});

/** Keys of an environ that keep the log quiet. */
function quiet(log: string[] = []): Record<string, unknown> {
  const write = (text: string): void => void log.push(text);
  return { 'wsgi.errors': { write, writelines() {}, flush() {} } };
}

/** An application that never ends, and what happens to it. */
function endless(): { application: Application; events: unknown[] } {
  const events: unknown[] = [];
  const application: Application = (environ, startResponse) => {
    environ['gateway.signal']?.().addEventListener('abort', () => events.push('aborted'));
    environ['gateway.on_finished']?.((_environ, _status, _headers, error) =>
      events.push((error as { code?: string }).code),
    );
    startResponse('200 OK', []);
    return {
      close: () => events.push('closed'),
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: 'more' }),
        return: async () => {
          events.push('returned');
          return { done: true, value: undefined };
        },
      }),
    };
  };
  return { application, events };
}
