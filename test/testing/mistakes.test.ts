/** The commonest mistakes in an application: a test with createClient tells the rule or the code, and the cure. */
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { toNode } from '../../bridges/node/index.ts';
import { createClient } from '../../src/testing/index.ts';
import type { Application, Environ, HeaderList, StartResponse } from '../../src/wsgi.ts';

const TEXT: HeaderList = [['Content-Type', 'text/plain']];
const HELLO = Buffer.from('Hello');

/** A mistaken application: its types are wrong, too, as in JavaScript. */
type Mistaken = (environ: Environ, startResponse: StartResponse) => unknown;

/** Starts a response as the arguments say, and answers with nothing. */
const starting =
  (...values: unknown[]): Mistaken =>
  (_environ, startResponse) => {
    Reflect.apply(startResponse, undefined, values);
    return [];
  };

/** Starts a response, and returns a body. */
const returning =
  (body: () => unknown, status: string = '200 OK', headers: HeaderList = TEXT): Mistaken =>
  (_environ, startResponse) => {
    startResponse(status, headers);
    return body();
  };

/** Rule or code, and words of the cure, by the mistake. */
const MISTAKES: Readonly<Record<string, [mistaken: unknown, told: string, cure: string]>> = {
  'returns text': [returning(() => 'Hello'), 'body-100-iterable', 'wrap it in an array'],
  'returns a Buffer': [returning(() => HELLO), 'body-100-iterable', 'wrap it in an array'],
  'returns nothing': [returning(() => undefined), 'body-100-iterable', 'return [] if there is no content'],
  'returns nothing, async': [
    async (_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', TEXT);
    },
    'body-100-iterable',
    'return [] if there is no content',
  ],
  'returns a generator function': [
    returning(
      () =>
        function* () {
          yield HELLO;
        },
    ),
    'body-100-iterable',
    'call it, as in return pieces()',
  ],
  'returns an object, as JSON': [
    returning(() => ({ hello: 'world' })),
    'body-100-iterable',
    'as in [JSON.stringify(value)]',
  ],
  'returns a Response of fetch': [
    returning(() => new Response('Hello')),
    'body-100-iterable',
    'return response.body ?? []',
  ],
  'yields a number': [returning(() => [200]), 'body-101-octets', 'as in String(value)'],
  'yields null': [returning(() => [HELLO, null]), 'body-101-octets', 'only Uint8Array as chunks'],
  'yields a promise': [returning(() => [Promise.resolve(HELLO)]), 'body-101-octets', 'a promise: await it'],
  'yields an array': [returning(() => [[HELLO]]), 'body-101-octets', 'as in yield* value'],
  'passes the status as a number': [
    starting(200, TEXT),
    'start-response-58-status-type',
    "pass '200 ' and a reason",
  ],
  'passes a status without a reason': [starting('200', TEXT), 'start-response-59-status-form', "'200 OK'"],
  'passes an interim status': [
    starting('103 Early Hints', []),
    'start-response-60-final-status',
    'gateway.informational sends others',
  ],
  'passes a status with a line end': [
    starting('200 OK\r\n', TEXT),
    'start-response-61-status-characters',
    'without control characters',
  ],
  'passes headers as an object': [
    starting('200 OK', { 'Content-Type': 'text/plain' }),
    'start-response-62-headers-type',
    'pass Object.entries(headers)',
  ],
  'passes headers as a Map': [
    starting('200 OK', new Map([['Content-Type', 'text/plain']])),
    'start-response-62-headers-type',
    'pass [...headers]',
  ],
  'passes headers of fetch': [
    starting('200 OK', new Headers({ 'Content-Type': 'text/plain' })),
    'start-response-62-headers-type',
    'pass [...headers]',
  ],
  'passes no headers': [starting('200 OK'), 'start-response-57-arguments', 'with a status, headers'],
  'passes a number as a header value': [
    starting('200 OK', [['Content-Length', 0]]),
    'start-response-62-headers-type',
    'pairs of strings',
  ],
  'passes a header name with a colon': [
    starting('200 OK', [['Content-Type:', 'text/plain']]),
    'start-response-64-header-name',
    'no spaces, colons or control characters',
  ],
  'passes a header value with a line end': [
    starting('200 OK', [...TEXT, ['X-A', 'a\nb']]),
    'start-response-66-header-value',
    'without control characters',
  ],
  'passes a header value beyond Latin-1': [
    starting('200 OK', [...TEXT, ['X-Price', '5 €']]),
    'start-response-67-native-strings',
    'encodeNative makes them',
  ],
  'passes Connection': [
    starting('200 OK', [...TEXT, ['Connection', 'close']]),
    'start-response-69-hop-by-hop',
    'to the server',
  ],
  'passes Transfer-Encoding': [
    starting('200 OK', [...TEXT, ['Transfer-Encoding', 'chunked']]),
    'start-response-69-hop-by-hop',
    'to the server',
  ],
  'passes the status as a header': [
    starting('200 OK', [...TEXT, ['Status', '404 Not Found']]),
    'start-response-63-status-header',
    'as the first argument',
  ],
  'passes Content-Length twice': [
    starting('200 OK', [
      ['Content-Length', '0'],
      ['Content-Length', '0'],
    ]),
    'start-response-139-content-length',
    'at most once',
  ],
  'passes Content-Length with a 204': [
    starting('204 No Content', [['Content-Length', '0']]),
    'start-response-71-no-content-length',
    'pass no Content-Length',
  ],
  'does not call startResponse': [
    () => [HELLO],
    'body-102-start-response-first',
    'call startResponse before',
  ],
  'does not call startResponse, without content': [
    () => [],
    'start-response-84-called',
    'call startResponse before its body ends',
  ],
  'calls startResponse after the first chunk': [
    async function* (_environ: Environ, startResponse: StartResponse) {
      yield HELLO;
      startResponse('200 OK', TEXT);
    },
    'body-102-start-response-first',
    'call startResponse before',
  ],
  'calls startResponse twice': [
    (_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', TEXT);
      startResponse('404 Not Found', TEXT);
      return [];
    },
    'start-response-72-second-call',
    'pass excInfo',
  ],
  'counts characters, not octets': [
    returning(() => ['café'], '200 OK', [...TEXT, ['Content-Length', '4']]),
    'body-139-too-long',
    'found 5 octets',
  ],
  'gives less than Content-Length': [
    returning(() => [HELLO], '200 OK', [...TEXT, ['Content-Length', '6']]),
    'body-139-too-short',
    'found 5 octets, declared were 6',
  ],
  'gives content with a 204': [
    returning(() => [HELLO], '204 No Content', []),
    'body-114-no-content',
    'give no content with a status that has none',
  ],
  'gives content with a 304': [
    returning(() => [HELLO], '304 Not Modified', []),
    'body-114-no-content',
    'give no content with a status that has none',
  ],
  'writes a number, and does not await it': [
    (_environ: Environ, startResponse: StartResponse) => {
      const write: (data: never) => Promise<void> = startResponse('200 OK', TEXT);
      void Promise.resolve()
        .then(() => write(5 as never))
        .catch(() => {});
      return new Promise((resolve) => setImmediate(resolve, []));
    },
    'body-101-octets',
    'only Uint8Array as chunks',
  ],
  'writes while its body is iterated': [
    async function* (_environ: Environ, startResponse: StartResponse) {
      const write = startResponse('200 OK', TEXT);
      yield HELLO;
      await write(HELLO);
    },
    'write-92-while-iterating',
    'yield content, and not write it',
  ],
  'reads content with a string as size': [
    async ({ 'wsgi.input': input, CONTENT_LENGTH }: Environ, startResponse: StartResponse) => {
      await Reflect.apply(input.read, input, [CONTENT_LENGTH ?? '0']);
      startResponse('200 OK', TEXT);
      return [];
    },
    'input-162-arguments',
    'read(',
  ],
  'closes wsgi.input': [
    (environ: Environ) => Reflect.apply(Reflect.get(environ['wsgi.input'], 'close'), undefined, []),
    'input-163-close',
    'close',
  ],
  'writes an Error to wsgi.errors': [
    (environ: Environ) => environ['wsgi.errors'].write(new Error('lost') as never),
    'errors-165-text',
    'write strings to wsgi.errors',
  ],
  'is an Express app': [express(), 'TypeError', 'fromExpress'],
  'is a Fastify app': [fastify(), 'TypeError', 'fromFastify'],
  'is mounted already': [toNode(() => []), 'TypeError', 'pass the application itself'],
};

describe('a test of an application that', () => {
  it.each(Object.entries(MISTAKES))('%s', async (_name, [mistaken, told, cure]) => {
    // Mistaken on purpose.
    const error = await ask(mistaken as Application);
    expect([error.rule ?? error.code ?? error.name, error.message]).toEqual([
      told,
      expect.stringContaining(cure),
    ]);
  });

  it('are thirty at least', () => {
    expect(Object.keys(MISTAKES).length).toBeGreaterThanOrEqual(30);
  });
});

/** Gives the error that fails a test. */
async function ask(application: Application): Promise<Error & { rule?: string; code?: string }> {
  let answer: string;
  try {
    answer = await (await createClient(application).get('/')).text();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error(`The test passed, with ${JSON.stringify(answer)}`);
}
