/** The cases of the rules for wsgi.input and wsgi.errors. */
import type { STREAM_RULES } from '../../../src/validate/stream-rules.ts';
import type { Application, Environ, InputStream } from '../../../src/wsgi.ts';
import { app, octets, type RuleCase, server, TEXT, type Variant } from './kit.ts';

const NO_SERVER = 'the application calls the methods';
const NO_APPLICATION = 'the server answers the calls';

/** An application that uses the input, under the gateway. */
function reading(name: string, use: (input: InputStream, environ: Environ) => unknown): Variant {
  return app(name, usingInput(use), { method: 'POST', input: content('one\ntwo\n') });
}

/** An application that uses the input, under a server whose input answers wrongly. */
function answering(name: string, input: Partial<InputStream>, use: (input: InputStream) => unknown): Variant {
  return server(
    name,
    ({ call, environ, startResponse }) => {
      const read = async (): Promise<Uint8Array> => new Uint8Array();
      const whole = {
        read,
        readline: read,
        readlines: async () => [],
        [Symbol.asyncIterator]: noLines,
        ...input,
      };
      return call({ ...environ, 'wsgi.input': Object.assign(whole, { chunks: noLines }) }, startResponse);
    },
    usingInput(use),
  );
}

async function* noLines(): AsyncGenerator<Uint8Array, undefined> {
  yield* [];
  return undefined;
}

function usingInput(use: (input: InputStream, environ: Environ) => unknown): Application {
  return async (environ, startResponse) => {
    await use(environ['wsgi.input'], environ);
    startResponse('200 OK', TEXT);
    return [];
  };
}

function usingErrors(name: string, use: (errors: Environ['wsgi.errors']) => unknown): Variant {
  return app(name, (environ, startResponse) => {
    use(environ['wsgi.errors']);
    startResponse('200 OK', TEXT);
    return [];
  });
}

function content(text: string) {
  const pieces: (Uint8Array | null)[] = [octets(text)];
  return { pull: () => pieces.shift() ?? null };
}

/** Calls a method that the types do not know. */
const call = (stream: object, method: string, ...values: unknown[]): unknown =>
  Reflect.apply(Reflect.get(stream, method), stream, values);

async function lines(input: InputStream): Promise<void> {
  for await (const line of input) String(line);
}

export const STREAM_CASES: Readonly<Record<keyof typeof STREAM_RULES, RuleCase>> = {
  'input-151-no-more': {
    applications: NO_APPLICATION,
    servers: [
      answering('read', { read: async () => octets('four') }, (input) => input.read(3)),
      answering('readline', { readline: async () => octets('fou\n') }, (input) => input.readline(3)),
    ],
    right: [
      answering('a read without size', { read: async () => octets('four') }, (input) => input.read()),
      answering('a short read', { read: async () => octets('four') }, (input) => input.read(5)),
    ],
  },
  'input-153-one-line': {
    applications: NO_APPLICATION,
    servers: [
      answering('readline', { readline: async () => octets('a\nb') }, (input) => input.readline()),
      answering('readlines', { readlines: async () => [octets('a\nb\n')] }, (input) => input.readlines()),
      answering(
        'iteration',
        {
          async *[Symbol.asyncIterator]() {
            yield octets('a\nb\n');
            return undefined;
          },
        },
        lines,
      ),
    ],
    right: [reading('lines', lines), reading('readline', (input) => input.readline())],
  },
  'input-162-arguments': {
    applications: [
      reading('a string', (input) => call(input, 'read', '3')),
      reading('a fraction', (input) => call(input, 'readline', 1.5)),
      reading('two arguments', (input) => call(input, 'read', 1, 2)),
      reading('NaN', (input) => call(input, 'readlines', Number.NaN)),
    ],
    servers: NO_SERVER,
    right: [
      reading('nothing', (input) => input.read()),
      reading('null', (input) => input.read(null)),
      reading('zero', (input) => input.read(0)),
      reading('a negative size', (input) => input.read(-1)),
      reading('a hint', (input) => input.readlines(3)),
    ],
  },
  'input-163-close': {
    applications: [reading('close()', (input) => call(input, 'close'))],
    servers: NO_SERVER,
  },
  'input-163-methods': {
    applications: [
      server(
        'pipe() of a stream',
        ({ call: run, environ, startResponse }) => {
          const read = async (): Promise<Uint8Array> => new Uint8Array();
          const stream = { read, readline: read, readlines: async () => [], [Symbol.asyncIterator]: noLines };
          const input = Object.assign(stream, { chunks: noLines, pipe: () => undefined });
          return run({ ...environ, 'wsgi.input': input }, startResponse);
        },
        usingInput((input) => call(input, 'pipe')),
      ),
    ],
    servers: NO_SERVER,
    right: [
      reading('toString()', (input) => String(input)),
      reading('chunks() of ours', async (input) => {
        for await (const chunk of input.chunks()) String(chunk);
      }),
      reading('a look', (input) => 'pipe' in input),
    ],
  },
  'input-164-size': {
    applications: [
      server(
        'read()',
        ({ call: run, environ, startResponse }) => {
          delete environ['wsgi.input_terminated'];
          return run(environ, startResponse);
        },
        usingInput((input) => input.read()),
      ),
    ],
    servers: NO_SERVER,
    right: [
      reading('read() where the input ends', (input) => input.read()),
      server(
        'read(3)',
        ({ call: run, environ, startResponse }) =>
          run({ ...environ, 'wsgi.input_terminated': false }, startResponse),
        usingInput((input) => input.read(3)),
      ),
    ],
  },
  'input-165-octets': {
    applications: NO_APPLICATION,
    servers: [
      answering('a string', { read: async () => 'text' as never }, (input) => input.read(4)),
      answering('null at the end', { read: async () => null as never }, (input) => input.read(4)),
      answering('no promise', { read: () => octets('text') as never }, (input) => input.read(4)),
      answering('no array', { readlines: async () => octets('a\n') as never }, (input) => input.readlines()),
    ],
    right: [reading('octets', (input) => input.readlines())],
  },
  'errors-165-text': {
    applications: [
      usingErrors('a number', (errors) => call(errors, 'write', 42)),
      usingErrors('octets', (errors) => call(errors, 'write', octets('text'))),
      usingErrors('lines of numbers', (errors) => call(errors, 'writelines', [1, 2])),
      usingErrors(
        'no lines',
        (errors) => Reflect.has(errors, 'x') || tryTo(() => call(errors, 'writelines', 1)),
      ),
    ],
    servers: NO_SERVER,
    right: [
      usingErrors('text', (errors) => errors.write('\u4e2d')),
      usingErrors('a generator', (errors) => errors.writelines(['a\n', 'b\n'].values())),
      usingErrors('flush()', (errors) => errors.flush()),
    ],
  },
  'errors-165-close': {
    applications: [usingErrors('close()', (errors) => call(errors, 'close'))],
    servers: NO_SERVER,
  },
  'errors-165-methods': {
    applications: [
      server(
        'end() of a stream',
        ({ call: run, environ, startResponse }) => {
          Object.assign(environ['wsgi.errors'], { end: () => undefined });
          return run(environ, startResponse);
        },
        usingInput((_input, environ) => call(environ['wsgi.errors'], 'end')),
      ),
    ],
    servers: NO_SERVER,
    right: [usingErrors('toString()', (errors) => String(errors))],
  },
};

/** The server may fail on what it gets. */
function tryTo(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
