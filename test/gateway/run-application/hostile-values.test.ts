import { describe, expect, it } from 'vitest';
import type { Application, Environ, StartResponse } from '../../../src/wsgi.ts';
import { RecordingSink, record } from '../../support/recording-sink.ts';
import { answering } from './applications.ts';

const refuse = (): never => {
  throw new Error('not to be asked');
};

function circular(): Error {
  const error = new Error('its own cause');
  error.cause = new Error('between', { cause: error });
  return error;
}

/** Values that an application can throw and that fail when they are read like an error. */
const values: readonly [string, () => unknown][] = [
  ['an error that is its own cause', circular],
  ['an error whose stack throws', () => Object.defineProperty(new Error('a'), 'stack', { get: refuse })],
  [
    'an error whose stack is not a string',
    () => Object.defineProperty(new Error('a'), 'stack', { value: { toString: refuse } }),
  ],
  [
    'an object that cannot be a string',
    () => ({
      toString: refuse,
      get [Symbol.toStringTag]() {
        return refuse();
      },
    }),
  ],
  ['a proxy that refuses', () => new Proxy({}, { get: refuse, getPrototypeOf: refuse, has: refuse })],
];

/** runApplication must not throw or reject: these tests await its promise. */
describe.each(values)('runApplication, given %s', (_what, make) => {
  it('answers 500 when it is thrown', async () => {
    for (const exposeErrors of [false, true]) {
      const { sink, log, done } = record(
        () => {
          throw make();
        },
        {},
        { exposeErrors },
      );
      await done;
      expect(sink.head?.statusCode).toBe(500);
      expect(sink.events.at(-1)?.[0]).toBe('end');
      expect(log).toHaveLength(1);
    }
  });

  it('cuts the response off when it is thrown after the head', async () => {
    const application: Application = function* (_environ: Environ, startResponse: StartResponse) {
      startResponse('200 OK', []);
      yield 'x';
      throw make();
    };
    const { sink, log, done } = record(application);
    await done;
    expect(sink.events.map(([kind]) => kind)).toEqual(['head', 'write', 'abort']);
    expect(log).toHaveLength(1);
  });

  it('is only logged if close or a callback throws it', async () => {
    const body = Object.assign(['x'], {
      close() {
        throw make();
      },
    });
    const calls: string[] = [];
    const { sink, log, done } = record((environ: Environ, startResponse: StartResponse) => {
      const onFinished = environ['gateway.on_finished'] as (callback: () => void) => void;
      onFinished(() => calls.push('first'));
      onFinished(() => {
        throw make();
      });
      startResponse('200 OK', []);
      return body;
    });
    await done;
    expect(sink.content).toBe('x');
    expect(sink.events.at(-1)?.[0]).toBe('end');
    expect(calls).toEqual(['first']);
    expect(log).toHaveLength(2);
  });
});

describe('runApplication, given a body whose close cannot be looked up', () => {
  it('sends the body and logs the error', async () => {
    const body = {
      *[Symbol.iterator]() {
        yield 'x';
      },
      get close() {
        return refuse();
      },
    };
    const { sink, log, done } = record(answering(body));
    await done;
    expect(sink.content).toBe('x');
    expect(log).toEqual(['Error: not to be asked']);
  });
});

it('aborts if the error path of the host throws', async () => {
  const { sink, log, done } = record(
    () => {
      throw new Error('of the application');
    },
    {},
    {
      sink: Object.assign(record(answering([])).sink, { events: [], fail: refuse }),
    },
  );
  await done;
  expect(sink.events.map(([kind]) => kind)).toEqual(['abort']);
  expect(log).toEqual(['Error: not to be asked']);
});

describe('runApplication, given objects with then that throw', () => {
  const thenable = (): PromiseLike<never> => Object.defineProperty({}, 'then', { value: refuse }) as never;

  it('answers 500 for the application, and goes on after close and callbacks', async () => {
    const failed = record(thenable as never);
    await failed.done;
    expect(failed.sink.head?.statusCode).toBe(500);
    expect(failed.log).toEqual(['Error: not to be asked']);
    const calls: string[] = [];
    const { sink, log, done } = record((environ: Environ, startResponse: StartResponse) => {
      environ['gateway.on_finished']?.(() => calls.push('last'));
      environ['gateway.on_finished']?.(thenable);
      startResponse('200 OK', []);
      return Object.assign(['x'], { close: thenable });
    });
    await done;
    expect(sink.content).toBe('x');
    expect(log).toEqual(['Error: not to be asked', 'Error: not to be asked']);
    expect(calls).toEqual(['last']);
  });

  it('cuts the response off when a sink gives one', async () => {
    const sink = Object.assign(new RecordingSink(), { wait: thenable() });
    const { log, done } = record(
      function* (_environ: Environ, startResponse: StartResponse) {
        startResponse('200 OK', []);
        yield 'x';
        yield 'y';
      },
      {},
      { sink },
    );
    await done;
    expect(sink.events.map(([kind]) => kind)).toEqual(['head', 'write', 'abort']);
    expect(log).toEqual(['Error: not to be asked']);
  });
});
