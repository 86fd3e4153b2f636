import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { asClass, asFunction, toApplication } from '../../src/gateway/application.ts';
import type { Application, Environ, StartResponse } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';

function begin(startResponse: StartResponse): void {
  startResponse('200 OK', []);
}

class IterableApplication {
  readonly startResponse: StartResponse;
  constructor(_environ: Environ, startResponse: StartResponse) {
    this.startResponse = startResponse;
  }
  *[Symbol.iterator](): Generator<string> {
    begin(this.startResponse);
    yield 'hello';
  }
}

class AsyncIterableApplication {
  readonly startResponse: StartResponse;
  constructor(_environ: Environ, startResponse: StartResponse) {
    this.startResponse = startResponse;
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    begin(this.startResponse);
    yield 'hello';
  }
}

/** A class as ES5 compilers leave it: a function with an iterable prototype. */
function CompiledApplication(
  this: { startResponse: StartResponse },
  _environ: Environ,
  start: StartResponse,
) {
  this.startResponse = start;
}
CompiledApplication.prototype[Symbol.iterator] = function* (this: { startResponse: StartResponse }) {
  begin(this.startResponse);
  yield 'hello';
};

const forms: Record<string, unknown> = {
  function: (_environ: Environ, startResponse: StartResponse) => {
    begin(startResponse);
    return ['hello'];
  },
  'async function': async (_environ: Environ, startResponse: StartResponse) => {
    begin(startResponse);
    return ['hello'];
  },
  generator: function* (_environ: Environ, startResponse: StartResponse) {
    begin(startResponse);
    yield 'hello';
  },
  'async generator': async function* (_environ: Environ, startResponse: StartResponse) {
    begin(startResponse);
    yield 'hello';
  },
  class: IterableApplication,
  'class with an asynchronous iterator': AsyncIterableApplication,
  'subclass without a body of its own': class extends IterableApplication {},
  'class compiled to ES5': CompiledApplication,
  'bound class with asClass': asClass(IterableApplication.bind(null)),
  'instance with a call method': {
    call(_environ: Environ, startResponse: StartResponse) {
      begin(startResponse);
      return ['hello'];
    },
  },
};

describe('toApplication', () => {
  it.each(Object.entries(forms))('serves the form: %s', async (_form, application) => {
    // The table holds values of many types on purpose.
    const { sink, done, log } = record(application as Application);
    await done;
    expect(log).toEqual([]);
    expect(sink.content).toBe('hello');
  });

  it('returns a function unchanged and ignores its inherited call method', () => {
    const application = (): string[] => [];
    expect(toApplication(application)).toBe(application);
  });

  it('passes exactly two arguments', () => {
    let count = 0;
    record((...args: [Environ, StartResponse]) => {
      count = args.length;
      begin(args[1]);
      return [];
    });
    expect(count).toBe(2);
  });

  it('constructs a class once per request', async () => {
    let constructed = 0;
    class Counting extends IterableApplication {
      constructor(environ: Environ, startResponse: StartResponse) {
        super(environ, startResponse);
        constructed += 1;
      }
    }
    await record(Counting).done;
    await record(Counting).done;
    expect(constructed).toBe(2);
  });

  it('keeps asFunction from constructing', () => {
    const iterable = Object.assign(
      function application(_environ: Environ, startResponse: StartResponse) {
        begin(startResponse);
        return ['called'];
      },
      { prototype: { [Symbol.iterator]: () => [][Symbol.iterator]() } },
    );
    expect(record(asFunction(iterable)).sink.content).toBe('called');
  });

  it.each([
    [null, 'not null'],
    [undefined, 'not undefined'],
    ['app', 'not string'],
    [{}, 'not an object without one'],
    [new Map(), 'pass the class, not an instance of it'],
    [Promise.resolve(begin), 'await it'],
    [express(), 'fromExpress(app)'],
    [express.Router(), 'fromExpress(app)'],
  ])('refuses %s with a clear message', (value, message) => {
    expect(() => toApplication(value as unknown as Application)).toThrow(TypeError);
    expect(() => toApplication(value as unknown as Application)).toThrow(message);
  });

  it('refuses an instance of Fastify and says how to pass it', () => {
    expect(() => toApplication(fastify() as unknown as Application)).toThrow('fromFastify(instance)');
  });

  it.each([[undefined], ['app'], [{}]])('refuses %s as a class and as a function', (value) => {
    expect(() => asClass(value as never)).toThrow(TypeError);
    expect(() => asFunction(value as never)).toThrow(TypeError);
  });
});

describe('toApplication: methods and classes', () => {
  it('takes a method named class for a function', () => {
    const holder = {
      class(_environ: Environ, startResponse: StartResponse) {
        startResponse('200 OK', []);
        return ['a method'];
      },
    };
    expect(record(holder.class).sink.content).toBe('a method');
  });

  it('refuses a class with a call method, and says what to pass', () => {
    class App {
      call(_environ: Environ, startResponse: StartResponse): string[] {
        startResponse('200 OK', []);
        return ['called'];
      }
    }
    expect(() => toApplication(App as never)).toThrow('pass an instance of it');
    expect(record(new App()).sink.content).toBe('called');
  });

  it('takes a class that is iterable too as a class', () => {
    class Body {
      constructor(_environ: Environ, startResponse: StartResponse) {
        startResponse('200 OK', []);
      }
      call(): never {
        throw new Error('not called');
      }
      *[Symbol.iterator](): Generator<string> {
        yield 'iterated';
      }
    }
    expect(typeof toApplication(Body)).toBe('function');
  });
});
