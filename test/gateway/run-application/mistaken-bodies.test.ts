/** The log of a response that cannot be sent says what to write instead. */
import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { toApplication } from '../../../src/index.ts';
import type { Application, Chunk } from '../../../src/wsgi.ts';
import { record } from '../../support/recording-sink.ts';
import { answering } from './applications.ts';

async function logOf(application: Application, options = {}): Promise<string> {
  const { sink, log, done } = record(application, {}, options);
  await done;
  expect(sink.events.map(([kind]) => kind)).toEqual(['head', 'end']);
  expect(sink.head?.statusCode).toBe(500);
  return log[0] ?? '';
}

function* pieces(): Generator<string> {
  yield 'x';
}
async function* later(): AsyncGenerator<string> {
  yield 'x';
}

describe('a value in the place of a body', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'found undefined; return [] if there is no content'],
    ['null', null, 'found null; return [] if there is no content'],
    ['a string', 'text', 'found string; wrap it in an array'],
    ['a Buffer', Buffer.from('text'), 'found an instance of Buffer; wrap it in an array'],
    ['a generator function', pieces, 'found a generator function; call it, as in return pieces()'],
    ['an async generator function', later, 'found a generator function; call it, as in return pieces()'],
    ['a function', () => [], 'found a function; call it, and return its result'],
    ['an async function', async () => [], 'found a function; call it, and return its result'],
    [
      'a Response',
      new Response('text'),
      'found a Response; pass its status and headers to startResponse, and return response.body ?? []',
    ],
    ['a Blob', new Blob(['text']), 'found an instance of Blob; return its stream()'],
    [
      'an ArrayBuffer',
      new ArrayBuffer(1),
      'found an instance of ArrayBuffer; return [new Uint8Array(buffer)]',
    ],
    ['a number', 5, 'found number; make text of it, as in [String(value)]'],
    ['a boolean', true, 'found boolean; make text of it, as in [String(value)]'],
    ['an object', { a: 1 }, 'found an instance of Object; make text of it, as in [JSON.stringify(value)]'],
    ['a date', new Date(), 'found an instance of Date; return an array of chunks'],
    ['a pair of streams', new TransformStream(), 'found an instance of TransformStream; return its readable'],
  ])('%s', async (_name, body, message) => {
    const error =
      'ApplicationError [WSGI_ERR_BODY_INVALID]: Application must return an iterable of Uint8Array, ';
    expect(await logOf(answering(body))).toBe(`${error}such as [chunk]: ${message}`);
    // An async application may return it too.
    const application: Application = async (environ, startResponse) => {
      const answer = toApplication(answering(body));
      return answer(environ, startResponse);
    };
    expect(await logOf(application)).toContain(message);
  });

  it('an open file', async () => {
    await using file = await open(import.meta.filename);
    expect(await logOf(answering(file))).toContain(
      'found an instance of FileHandle; return new FileWrapper(file)',
    );
  });
});

describe('a value in the place of a chunk', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'found undefined'],
    ['a promise', Promise.resolve('text'), 'found a promise: await it'],
    ['an array', ['text'], 'found an instance of Array; yield its elements one by one, as in yield* value'],
    ['a generator', pieces(), 'found an object; yield its elements one by one, as in yield* value'],
    ['a generator function', pieces, 'found a generator function; call it, as in yield* pieces()'],
    ['a number', 5, 'found number; make text of it, as in String(value)'],
    ['an object', { a: 1 }, 'found an instance of Object; make text of it, as in JSON.stringify(value)'],
    ['an ArrayBuffer', new ArrayBuffer(1), 'found an instance of ArrayBuffer; pass new Uint8Array(buffer)'],
    [
      'a DataView',
      new DataView(new ArrayBuffer(1)),
      'found an instance of DataView; pass new Uint8Array(buffer)',
    ],
    ['a Response', new Response('text'), 'found a Response; yield* its body'],
    ['a Blob', new Blob(['text']), 'found an instance of Blob; yield* its stream()'],
  ])('%s', async (_name, chunk, message) => {
    const error = 'ApplicationError [WSGI_ERR_CHUNK_INVALID]: A chunk of the body must be a Uint8Array: ';
    expect(await logOf(answering([chunk]))).toBe(`${error}${message}`);
    expect(await logOf(answering([chunk as Chunk].values()))).toBe(`${error}${message}`);
  });

  it('a string, with strict', async () => {
    expect(await logOf(answering(['text']), { strict: true })).toContain(
      'found string; encode it, as in Buffer.from(text)',
    );
  });
});
