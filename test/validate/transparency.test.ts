/** The validator changes nothing of a response, whatever the application and its body are. */
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import { disconnection } from '../../src/errors.ts';
import { FileWrapper } from '../../src/index.ts';
import { runApp } from '../../src/testing/index.ts';
import { type ValidateOptions, type ValidationError, validate } from '../../src/validate/index.ts';
import type { Application, ApplicationFunction, Environ, StartResponse } from '../../src/wsgi.ts';
import { RecordingSink, record } from '../support/recording-sink.ts';
import { answer, octets, TEXT, testingEnviron } from './cases/kit.ts';

const three = (): Uint8Array[] => ['one', 'two', 'three'].map(octets);

class Page {
  constructor(_environ: Environ, startResponse: StartResponse) {
    startResponse('200 OK', TEXT);
  }
  *[Symbol.iterator]() {
    yield* three();
  }
}

const file = (): FileWrapper => {
  const blocks = three();
  return new FileWrapper({
    read: () => blocks.shift() ?? null,
    close: () => undefined,
    stat: () => ({ size: 11 }),
    tell: () => 0,
  });
};

const app = express().get('/', (_request, response) => void response.send('from Express'));
const streaming = express().get('/', (_request, response) => {
  response.type('text').write('from ');
  setTimeout(() => response.end('Express'), 5);
});
const instance = fastify();
instance.get('/', async () => ({ from: 'Fastify' }));

/** Applications of all forms and with all bodies. */
const APPLICATIONS: Readonly<Record<string, Application>> = {
  array: answer(three),
  'empty array': answer(() => []),
  'array of strings': answer(() => ['text', 'more']),
  generator: answer(() => three().values()),
  'lazy generator': function* (_environ, startResponse) {
    startResponse('201 Created', TEXT);
    yield* three();
  },
  'async generator': async function* (_environ, startResponse) {
    startResponse('200 OK', TEXT);
    yield octets('');
    yield* three();
  },
  'async function': async (_environ, startResponse) => {
    await pause(1);
    startResponse('200 OK', [...TEXT, ['Content-Length', '11']]);
    return three();
  },
  class: Page,
  object: {
    call(_environ: Environ, startResponse: StartResponse) {
      startResponse('200 OK', TEXT);
      return three();
    },
  },
  'closable array': answer(() => Object.assign(three(), { close: () => undefined })),
  file: answer(file),
  Readable: answer(() => Readable.from(three())),
  ReadableStream: answer(() => new Blob(['text']).stream()),
  write: async (_environ, startResponse) => {
    const write = startResponse('200 OK', TEXT);
    void write(octets('one'));
    await write(octets('two'));
    return [octets('three')];
  },
  'a replaced head': (_environ, startResponse) => {
    startResponse('200 OK', TEXT);
    startResponse('500 Internal Server Error', TEXT, new Error('failed'));
    return [octets('failed')];
  },
  'a failure': () => {
    throw new Error('failed');
  },
  'a failure in the body': answer(function* () {
    yield octets('one');
    throw new Error('failed');
  }),
  fromNode: fromNode((_request, response) => response.end('from node')),
  fromExpress: fromExpress(app),
  'fromExpress, streaming': fromExpress(streaming),
  fromFastify: fromFastify(instance),
};

async function outcomeOf(application: Application, method: string) {
  const { sink, log, done } = record(application, { method });
  await done;
  const { head, events, content } = sink;
  const fields = head?.headers.filter(([name]) => !/^(?:date|etag)$/i.test(name));
  return {
    status: head?.status,
    fields,
    length: head?.contentLength,
    content,
    log,
    events: events.map(([kind]) => kind),
  };
}

const quiet: ValidateOptions = { onWarning: () => {} };

/** Iterators and asynchronous generators are disposable on newer Nodes. */
const DISPOSE = Symbol.dispose in [].values() ? ['dispose'] : [];
const ASYNC_DISPOSE = Symbol.asyncDispose in (async function* () {})() ? ['asyncDispose'] : [];

describe('the validator changes nothing', () => {
  const cases = Object.entries(APPLICATIONS).flatMap(([name, application]) =>
    ['GET', 'HEAD'].map((method) => [name, method, application] as const),
  );

  it.each(cases)('of %s, %s', async (_name, method, application) => {
    const plain = await outcomeOf(application, method);
    const once = validate(application, quiet);
    expect(await outcomeOf(once, method)).toEqual(plain);
    expect(await outcomeOf(validate(once, quiet), method)).toEqual(plain);
    const middleware: ApplicationFunction = (environ, startResponse) => once(environ, startResponse);
    expect(await outcomeOf(validate(middleware, { ...quiet, reuseMemory: true }), method)).toEqual(plain);
  });

  it('of time: what is synchronous stays so', () => {
    const { sink } = record(validate(answer(three)));
    expect(sink.content).toBe('onetwothree');
    const body = validate(answer(three))(testingEnviron(), () => async () => {});
    expect(Array.isArray(body)).toBe(true);
    expect(body).toEqual(three());
  });

  it('of promises: an async application stays async', () => {
    const body = validate(async () => [])(testingEnviron(), () => async () => {});
    expect(body).toBeInstanceOf(Promise);
    return expect(body).rejects.toThrow('startResponse');
  });

  it.each<[string, () => unknown, (keyof SymbolConstructor | string)[]]>([
    ['a generator', () => three().values(), [...DISPOSE, 'iterator']],
    ['an async generator', async function* () {}, [...ASYNC_DISPOSE, 'asyncIterator']],
    ['a closable Set', () => Object.assign(new Set(three()), { close: () => {} }), ['iterator', 'close']],
    [
      'a disposable',
      () => ({ ...iterable(), [Symbol.asyncDispose]: () => {} }),
      ['asyncDispose', 'iterator'],
    ],
    [
      'both kinds',
      () => ({ ...iterable(), async *[Symbol.asyncIterator]() {} }),
      ['asyncIterator', 'iterator'],
    ],
  ])('of the kind of a body: %s', async (_name, makeBody, members) => {
    const body = await validate(answer(makeBody))(testingEnviron(), () => async () => {});
    const names = Reflect.ownKeys(body).map((key) => String(key).replace(/^Symbol\((?:\w+\.)?|\)$/g, ''));
    expect(names.map((name) => name.toLowerCase()).sort()).toEqual(
      members.map((name) => name.toLowerCase()).sort(),
    );
  });

  it('of a file: it is still one', async () => {
    const body = await validate(answer(file))(testingEnviron(), () => async () => {});
    expect(body).toBeInstanceOf(FileWrapper);
    expect(await (body as FileWrapper).measure()).toBe(11);
  });

  it('of errors: they pass as they are', async () => {
    const failure = new Error('failed');
    const failing: Application = () => Promise.reject(failure);
    await expect(runApp(validate(failing), testingEnviron())).rejects.toBe(failure);
  });

  it('of a client that leaves', async () => {
    const findings: ValidationError[] = [];
    const ends: string[] = [];
    const endless: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', TEXT);
      try {
        for (;;) yield octets('tick');
      } finally {
        ends.push('finally');
      }
    };
    const note = (error: ValidationError): void => void findings.push(error);
    const sink = new RecordingSink();
    const { done } = record(validate(endless, { onError: note, onWarning: note }), {}, { sink });
    await pause(5);
    sink.disconnect(disconnection('response'));
    await done;
    expect([ends, findings]).toEqual([['finally'], []]);
  });

  it('of wsgi.input and wsgi.errors: they are instances of what they were', async () => {
    const seen: unknown[] = [];
    const looking: Application = async (environ, startResponse) => {
      seen.push(environ['wsgi.input'].constructor.name, String(environ['wsgi.errors']));
      for await (const line of environ['wsgi.input']) seen.push(Buffer.from(line).toString());
      startResponse('200 OK', TEXT);
      return [];
    };
    const pieces: (Uint8Array | null)[] = [octets('one\ntwo'), null];
    await record(validate(looking), { input: { pull: () => pieces.shift() ?? null } }).done;
    expect(seen).toEqual(['Input', '[object Object]', 'one\n', 'two']);
  });
});

function iterable(): Iterable<Uint8Array> {
  return {
    *[Symbol.iterator]() {
      yield* three();
    },
  };
}
