/** The validator as users see it: it shows their code, and tells what it found where they want it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { toApplication } from '../../src/index.ts';
import { type ValidateOptions, type ValidationError, validate } from '../../src/validate/index.ts';
import type { Application, ApplicationFunction, Body } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { answer, octets, TEXT } from './cases/kit.ts';

const three = (): Uint8Array[] => ['one', 'two', 'three'].map(octets);

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

  it.each(['onWarning', 'onError'] as const)('a failure of an asynchronous %s is logged', async (name) => {
    const callback = (): Promise<never> => Promise.reject(new Error('no'));
    const application = name === 'onWarning' ? wordy : () => 5 as never;
    const { log, done } = record(validate(application, { [name]: callback }));
    await done;
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.join('\n')).toContain('The callback of the validator failed: Error: no');
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
    // Newer Nodes read TypeScript themselves, and run the loader in the program's own thread, where it misses process.
    const loader = `${import.meta.dirname}/../../node_modules/tsx/dist/loader.mjs`;
    const readsTypeScript = Boolean(Reflect.get(process.features, 'typescript'));
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...(readsTypeScript ? [] : ['--import', loader]),
      '--input-type=module',
      '--eval',
      program,
    ]);
    expect(stdout).toBe('1\nbody-100-iterable\n');
  });
});
