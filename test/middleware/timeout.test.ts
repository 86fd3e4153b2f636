import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { describe, expect, it, vi } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { disconnection } from '../../src/errors.ts';
import { timeout } from '../../src/middleware/index.ts';
import type { Application, StartResponse, Write } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE, HOSTS } from './kit.ts';

const never = new Promise<never>(() => {});

const STUCK: Record<string, Application> = {
  'an async function': () => never,
  'an async function that has begun': (_environ, startResponse) => {
    startResponse('200 OK', [['X-Lost', '1']]);
    return never;
  },
  'an async generator': async function* () {
    await never;
    yield 'x';
  },
  'an async generator that has begun': async function* (_environ, startResponse) {
    startResponse('200 OK', [['X-Lost', '1']]);
    yield '';
    await never;
  },
  'an Express app': fromExpress(express().use(() => {})),
};

/** Answers with a file of seven octets. */
const fileOf =
  (read: () => Promise<Uint8Array>): Application =>
  (environ, startResponse) => {
    startResponse('200 OK', []);
    let isRead = false;
    const file = {
      stat: () => ({ size: 7 }),
      tell: () => 0,
      read: async () => {
        if (isRead) return null;
        isRead = true;
        return read();
      },
    };
    return environ['wsgi.file_wrapper']?.(file) ?? [];
  };

describe('timeout', () => {
  it.each(
    Object.entries(STUCK).flatMap(([form, application]) =>
      Object.entries(HOSTS).map(([host, ask]) => [form, host, application, ask] as const),
    ),
  )('answers 503 in the place of %s, %s', async (_form, _host, application, ask) => {
    const answer = await ask(timeout({ response: 20 })(application), { path: '/a%0Ab' });
    expect(answer.status).toBe('503 Service Unavailable');
    expect(answer.headers.has('X-Lost')).toBe(false);
    expect(answer.text).toBe('Service Unavailable\n');
    expect(answer.log).toMatch(/^\S+ GET \/a%0Ab Application gave no content for 20 ms\n$/);
  });

  it.each(EVERYWHERE)('changes nothing of %s, %s', async (_form, _host, application, ask) => {
    const answer = await ask(timeout({ response: 5000, chunk: 5000 })(application));
    expect(answer.text).toBe('Hello world');
    expect(answer.log).toBe('');
  });

  it('stays synchronous', () => {
    expect(record(timeout()(APPLICATIONS['a function'] as Application)).done).toBeUndefined();
  });

  it('takes what is written for chunks', async () => {
    const writer: Application = async (_environ, startResponse) => {
      await delay(5);
      const write = startResponse('200 OK', []);
      for (const chunk of ['Hel', 'lo', ' wor', 'ld']) {
        await write(chunk);
        await delay(40);
      }
      return [];
    };
    for (const options of [{ response: 60 }, { response: 60, chunk: 100 }]) {
      const answer = await askInProcess(timeout(options)(writer));
      expect([answer.text, answer.log]).toEqual(['Hello world', '']);
    }
  });

  it('gives a slow client the time that it needs', async () => {
    const writer: Application = async (_environ, startResponse) => {
      await delay(1);
      void startResponse('200 OK', [])('a');
      await delay(300);
      return ['b'];
    };
    const { sink, done } = record(timeout({ response: 100, chunk: 200 })(writer));
    sink.wait = delay(250);
    await done;
    expect(sink.content).toBe('ab');
  });

  it('cuts off a response whose application has written and then stops', async () => {
    const stopping: Application = async (_environ, startResponse) => {
      await delay(1);
      await startResponse('200 OK', [])('a');
      return never;
    };
    const { done, sink } = record(timeout({ response: 5000, chunk: 20 })(stopping), {}, { closeTimeout: 5 });
    await done;
    expect(sink.content).toBe('a');
    expect(sink.events.at(-1)).toEqual(['abort', expect.objectContaining({ name: 'TimeoutError' })]);
  });

  it('heeds an application that goes on after a write that throws', async () => {
    const stopping: Application = async (_environ, startResponse) => {
      await delay(1);
      const write = startResponse('200 OK', []);
      expect(() => write('x')).toThrow('refused');
      return never;
    };
    const refusing: Application = (environ, startResponse) => {
      return timeout({ response: 20 })(stopping)(environ, (...call) => {
        startResponse(...call);
        return () => {
          throw new Error('refused');
        };
      });
    };
    expect((await askInProcess(refusing)).status).toBe('503 Service Unavailable');
  });

  it('cuts off a response that stops in the middle', async () => {
    const stopping: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield 'a';
      await never;
    };
    const { done, sink } = record(timeout({ chunk: 10 })(stopping), {}, { closeTimeout: 5 });
    await done;
    expect(sink.content).toBe('a');
    expect(sink.events.at(-1)).toEqual(['abort', expect.objectContaining({ name: 'TimeoutError' })]);
  });

  it('does not count the time between chunks by default, nor what the client takes', async () => {
    const slow: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield 'a';
      await delay(40);
      yield 'b';
    };
    expect((await askInProcess(timeout({ response: 20 })(slow))).text).toBe('ab');
  });

  it('aborts the signal, and the application cannot answer any more', async () => {
    const late = vi.fn();
    let write: Write | undefined;
    const application: Application = async (environ, startResponse) => {
      write = startResponse('200 OK', []);
      const signal = environ['gateway.signal']?.();
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      late(signal?.reason.name);
      // Not awaited: the rejection must not be unhandled.
      void write('late');
      await expect(write('late')).rejects.toThrow('gave no content');
      expect(() => startResponse('200 OK', [])).toThrow('gave no content');
      return Object.assign(new Set(['late']), { close: () => late('closed') });
    };
    const answer = await askInProcess(timeout({ response: 10 })(application));
    await delay(10);
    expect(answer.text).toBe('Service Unavailable\n');
    expect(late.mock.calls).toEqual([['TimeoutError'], ['closed']]);
  });

  it('logs what the application throws later', async () => {
    const application: Application = async () => {
      await delay(20);
      throw new Error('late');
    };
    const { done, log } = record(timeout({ response: 5, status: 504 })(application));
    await done;
    await delay(30);
    expect(log).toEqual(['Application gave no content for 5 ms', 'Error: late']);
  });

  it('the signal also tells that the client has left', async () => {
    let signal: AbortSignal | undefined;
    const { done, sink } = record(
      timeout()((environ) => {
        signal = environ['gateway.signal']?.();
        return never;
      }),
    );
    sink.disconnect(disconnection('response'));
    await done;
    expect(signal?.aborted).toBe(true);
  });

  it.each(Object.entries(HOSTS))(
    'says what is wrong with what an async function gives, %s',
    async (_host, ask) => {
      const nobody = async (_environ: unknown, startResponse: StartResponse) => {
        startResponse('200 OK', []);
        return 'text';
      };
      const answer = await ask(timeout({ response: 200 })(nobody as never));
      expect(answer.status).toBe('500 Internal Server Error');
      expect(answer.log).toContain('Application must return an iterable');
    },
  );

  it.each(Object.entries(HOSTS))('a file keeps its length, %s', async (_host, ask) => {
    const answer = await ask(timeout()(fileOf(async () => Buffer.from('content'))));
    expect(answer.headers.get('Content-Length')).toBe('7');
    expect(answer.text).toBe('content');
  });

  it.each(Object.entries(HOSTS))('answers whole in the place of a file, %s', async (_host, ask) => {
    const answer = await ask(timeout({ response: 20 })(fileOf(() => never)));
    expect(answer.status).toBe('503 Service Unavailable');
    expect(answer.text).toBe('Service Unavailable\n');
  });

  it('gives the same signal each time', async () => {
    const signals: unknown[] = [];
    await askInProcess(
      timeout()((environ, startResponse) => {
        signals.push(environ['gateway.signal']?.(), environ['gateway.signal']?.());
        startResponse('200 OK', []);
        return [];
      }),
    );
    expect(signals[0]).toBeInstanceOf(AbortSignal);
    expect(signals[1]).toBe(signals[0]);
  });

  it('calls the listeners of its signal in their own context', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const application: Application = (environ) => {
      const note = (): void => void seen.push(storage.getStore());
      storage.run('of the request', () => environ['gateway.signal']?.().addEventListener('abort', note));
      return never;
    };
    await askInProcess(timeout({ response: 5 })(application));
    const { done, sink } = record(timeout()(application));
    sink.disconnect(disconnection('response'));
    await done;
    expect(seen).toEqual(['of the request', 'of the request']);
  });

  it('waits for nothing once the client has left', async () => {
    const { done, sink, log } = record(timeout({ response: 20 })(() => never));
    sink.disconnect(disconnection('response'));
    await done;
    await delay(40);
    expect(log).toEqual([]);
  });

  it('refuses bad options', () => {
    expect(() => timeout({ response: -1 })).toThrow(RangeError);
    expect(() => timeout({ status: 200 })).toThrow('from 400 to 599');
    expect(() => timeout(5 as never)).toThrow('Options must be an object');
  });
});
