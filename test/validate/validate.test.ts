/** The validator as users see it: it changes nothing, shows their code, and tells what it found where they want it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import { disconnection } from '../../src/errors.ts';
import { FileWrapper, toApplication } from '../../src/index.ts';
import { runApp } from '../../src/testing/index.ts';
import { type ValidateOptions, type ValidationError, validate } from '../../src/validate/index.ts';
import type { Application, ApplicationFunction, Body, Environ, StartResponse } from '../../src/wsgi.ts';
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
    ['a generator', () => three().values(), ['iterator']],
    ['an async generator', async function* () {}, ['asyncIterator']],
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

describe('the stack begins with the code of the user', () => {
  /** The line in this file that has the text of the comment `// here: name`. */
  const lineOf = (name: string): number =>
    readFileSync(import.meta.filename, 'utf8')
      .split('\n')
      .findIndex((line) => line.endsWith(`// here: ${name}`)) + 1;

  const users: Readonly<Record<string, Application>> = {
    startResponse: (_environ, startResponse) => {
      startResponse('200', TEXT); // here: startResponse
      return [];
    },
    header: (_environ, startResponse) => {
      startResponse('200 OK', [['Connection', 'close']]); // here: header
      return [];
    },
    write: (_environ, startResponse) => {
      const write = startResponse('200 OK', TEXT);
      void Reflect.apply(write, undefined, [5]); // here: write
      return [];
    },
    input: async (environ, startResponse) => {
      startResponse('200 OK', TEXT);
      await environ['wsgi.input'].read(1.5); // here: input
      return [];
    },
    body: (_environ, startResponse) => {
      startResponse('200 OK', TEXT); // here: body
      return 'text' as unknown as Body;
    },
    chunk: async function* (_environ, startResponse) {
      startResponse('200 OK', TEXT); // here: chunk
      await pause(1);
      yield 5 as never;
    },
    length: (_environ, startResponse) => {
      startResponse('200 OK', [...TEXT, ['Content-Length', '4']]); // here: length
      return three().values();
    },
  };

  it.each(Object.entries(users))('%s', async (name, application) => {
    let error: ValidationError | undefined;
    const { done } = record(validate(application, { onError: (found) => (error ??= found) }));
    await done;
    const [, first = ''] = error?.stack?.split('\n') ?? [];
    expect(first).toMatch(new RegExp(`validate\\.test\\.ts:${lineOf(name)}:\\d+\\)?$`));
    expect(error?.stack).toMatch(/^ValidationError: Broken rule: the application must /);
  });
});

describe('findings', () => {
  const wordy = answer(() => ['text', 'more'].values(), []);
  const short = answer(() => three().values(), [...TEXT, ['Content-Length', '99']]);

  it('are thrown as an error that names rule, party and source', async () => {
    const { log, sink, done } = record(validate(answer(() => null)));
    await done;
    expect(sink.head?.status).toBe('500 Internal Server Error');
    expect(log.join()).toContain(
      'ValidationError [WSGI_ERR_RULE_BROKEN]: Broken rule: the application must return an',
    );
  });

  it('that are warnings go to wsgi.errors, once a response for each rule', async () => {
    const { log, sink, done } = record(validate(wordy));
    await done;
    expect(sink.content).toBe('textmore');
    expect(log).toHaveLength(2);
    expect(log[0]).toMatch(/^Broken rule: the application should give octets as chunks.*found "text"/);
    expect(log[1]).toMatch(/^Broken rule: the application should pass a Content-Type with content/);
  });

  it('that are warnings go to onWarning instead', async () => {
    const onWarning = vi.fn();
    const { log, done } = record(validate(wordy, { onWarning }));
    await done;
    expect(onWarning.mock.calls.map(([{ level, rule }]) => [level, rule])).toEqual([
      ['SHOULD', 'body-101-strings'],
      ['SHOULD', 'start-response-70-content-type'],
    ]);
    expect(log).toEqual([]);
  });

  it('of strings are errors with strict', async () => {
    const { sink, done } = record(validate(wordy, { strict: true }));
    await done;
    expect(sink.head?.status).toBe('500 Internal Server Error');
  });

  it('go to onError before they are thrown', async () => {
    const onError = vi.fn();
    const { sink, done } = record(validate(short, { onError }));
    await done;
    expect(onError.mock.calls.map(([{ rule }]) => rule)).toEqual(['body-139-too-short']);
    expect(sink.events.at(-1)).toEqual(['abort', onError.mock.calls[0]?.[0]]);
  });

  it('are only told in mode report', async () => {
    const { log, sink, done } = record(
      validate(
        answer(() => [octets('x')], TEXT, '204 No Content'),
        { mode: 'report' },
      ),
    );
    await done;
    expect(sink.head?.status).toBe('204 No Content');
    expect(log[0]).toMatch(/^Broken rule: the application should pass no Content-Type/);
    expect(log[1]).toMatch(/^Broken rule: the application must give no content with a status that has none/);
  });

  it('of the end of a response, which nobody can catch, go to wsgi.errors', async () => {
    const refilling: Application = (_environ, startResponse) => {
      const chunk = octets('one');
      void startResponse('200 OK', TEXT)(chunk);
      chunk.fill(0);
      return [];
    };
    const { log, done } = record(validate(refilling));
    await done;
    expect(log.join()).toMatch(/^Broken rule: the application must leave the memory of a chunk alone/);
  });

  it('in a middleware are of the side that broke the rule', async () => {
    const parties: string[] = [];
    const note = (side: string) => (error: ValidationError) =>
      void parties.push(`${side}: ${error.party} ${error.rule}`);
    const closable = answer(() => Object.assign(three(), { close: () => undefined }));
    const inner = toApplication(validate(closable, { onError: note('inner') }));
    const joining: Application = async (environ, startResponse) => {
      let joined = '';
      for await (const chunk of await inner(environ, startResponse)) joined += chunk;
      return joined as unknown as Body;
    };
    await record(validate(joining, { onError: note('outer') })).done;
    expect(parties).toEqual(['outer: application body-100-iterable', 'inner: server body-138-close']);
  });

  it('of middleware that keeps chunks are seen with reuseMemory', async () => {
    const keeping = (inner: ApplicationFunction): Application => {
      return async (environ, startResponse) => {
        const kept = [];
        for await (const chunk of await inner(environ, startResponse)) kept.push(chunk);
        return kept;
      };
    };
    const generated = answer(() => three().values());
    const { sink, done } = record(keeping(validate(generated, { reuseMemory: true })));
    await done;
    expect(sink.content).toBe('XXXXXXXXXXX');
  });
});

describe('options', () => {
  it.each<[string, unknown, string]>([
    ['an unknown one', { modes: 'throw' }, 'Option modes is unknown'],
    ['a wrong value', { mode: 'warn' }, 'Option mode must be'],
    ['a rule that does not exist', { ignore: ['body-101'] }, 'Option ignore names no rule: "body-101"'],
    ['no list', { ignore: 'body-101-strings' }, 'Option ignore must be'],
    ['no function', { onWarning: true }, 'Option onWarning must be'],
  ])('refuse %s', (_name, options, message) => {
    expect(() => validate(answer(three), options as ValidateOptions)).toThrow(message);
  });

  it('are checked when it is put around, as the application is', () => {
    expect(() => validate({} as Application)).toThrow(TypeError);
    expect(() => validate(undefined as unknown as Application)).toThrow(TypeError);
  });
});

describe('gatebridge/validate', () => {
  it('loads and works where there is no process and no Buffer', async () => {
    const entry = pathToFileURL(`${import.meta.dirname}/../../src/validate/index.ts`).href;
    const program = `
      delete globalThis.Buffer; delete globalThis.process; delete globalThis.setImmediate;
      const { validate } = await import('${entry}');
      const start = () => async () => {};
      const stream = { async read() {}, async readline() {}, async readlines() {}, async *[Symbol.asyncIterator]() {} };
      const environ = {
        REQUEST_METHOD: 'GET', SCRIPT_NAME: '', PATH_INFO: '/', QUERY_STRING: '', SERVER_NAME: 'a', SERVER_PORT: '80',
        SERVER_PROTOCOL: 'HTTP/1.1', 'wsgi.version': [1, 0], 'wsgi.url_scheme': 'http', 'wsgi.input': stream,
        'wsgi.errors': { write() {}, writelines() {}, flush() {} }, 'wsgi.multithread': false,
        'wsgi.multiprocess': false, 'wsgi.run_once': false,
      };
      const hello = (e, s) => { s('200 OK', [['Content-Type', 'text/plain']]); return [new Uint8Array(3)]; };
      console.log(validate(hello)(environ, start).length);
      try { validate(() => 5)(environ, start); } catch (error) { console.log(error.rule); }
    `;
    const tsx = `${import.meta.dirname}/../../node_modules/tsx/dist/loader.mjs`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import',
      tsx,
      '--input-type=module',
      '--eval',
      program,
    ]);
    expect(stdout).toBe('1\nbody-100-iterable\n');
  });
});
