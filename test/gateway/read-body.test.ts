import { describe, expect, it } from 'vitest';
import { DisconnectError, ProtocolError } from '../../src/errors.ts';
import { Input } from '../../src/gateway/input.ts';
import { readBody, readForm, readJson, readText } from '../../src/gateway/read-body.ts';

interface Fields {
  readonly type?: string;
  readonly length?: number;
  readonly coding?: string;
  readonly isTerminated?: boolean;
}

/** An environ with the content in pieces of three octets. */
function contentOf(content: string | Uint8Array, fields: Fields = {}) {
  const octets = Buffer.from(content);
  let pulled = 0;
  const input = new Input({
    pull() {
      const piece = octets.subarray(pulled, pulled + 3);
      pulled += piece.length;
      return piece.length === 0 ? null : piece;
    },
  });
  return {
    pulled: () => pulled,
    'wsgi.input': input,
    'wsgi.input_terminated': fields.isTerminated ?? true,
    ...(fields.type === undefined ? {} : { CONTENT_TYPE: fields.type }),
    ...(fields.length === undefined ? {} : { CONTENT_LENGTH: String(fields.length) }),
    ...(fields.coding === undefined ? {} : { HTTP_CONTENT_ENCODING: fields.coding }),
  };
}

async function failureOf(
  promise: Promise<unknown>,
): Promise<{ code: string; statusCode: number; cause: unknown }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ProtocolError)
      return { code: error.code, statusCode: error.statusCode, cause: error.cause };
    throw error;
  }
  throw new Error('It did not fail');
}

describe('readBody()', () => {
  it('reads everything', async () => {
    expect(Buffer.from(await readBody(contentOf('hello world'))).toString()).toBe('hello world');
  });

  it('returns nothing for a request without content', async () => {
    expect(await readBody(contentOf(''))).toHaveLength(0);
    expect(await readBody(contentOf('left on the wire', { isTerminated: false }))).toHaveLength(0);
  });

  it('accepts content of exactly the limit', async () => {
    expect(await readBody(contentOf('12345', { length: 5 }), { limit: 5 })).toHaveLength(5);
    expect(await readBody(contentOf('12345'), { limit: 5 })).toHaveLength(5);
    expect(await readBody(contentOf('12345'), { limit: 5.5 })).toHaveLength(5);
    expect(await readBody(contentOf(''), { limit: 0 })).toHaveLength(0);
  });

  it('refuses declared content over the limit without reading any', async () => {
    const environ = contentOf('123456', { length: 6 });
    const { code, statusCode } = await failureOf(readBody(environ, { limit: 5 }));
    expect([code, statusCode]).toEqual(['WSGI_ERR_CONTENT_TOO_LARGE', 413]);
    expect(environ.pulled()).toBe(0);
  });

  it('refuses undeclared content over the limit soon after the limit', async () => {
    const environ = contentOf('x'.repeat(1000));
    expect((await failureOf(readBody(environ, { limit: 5 }))).statusCode).toBe(413);
    expect(environ.pulled()).toBeLessThan(10);
  });

  it('has a limit of 1 MiB by default, and none if told so', async () => {
    const content = Buffer.alloc(1_048_577);
    const environ = contentOf(content, { length: content.length });
    expect((await failureOf(readBody(environ))).statusCode).toBe(413);
    expect(await readBody(environ, { limit: Number.POSITIVE_INFINITY })).toHaveLength(content.length);
  });

  it('does not read beyond CONTENT_LENGTH if the input does not end by itself', async () => {
    const environ = contentOf('123456789', { length: 4, isTerminated: false });
    expect(Buffer.from(await readBody(environ)).toString()).toBe('1234');
    expect(environ.pulled()).toBeLessThanOrEqual(6);
  });

  it('throws a RangeError for an invalid limit', async () => {
    await expect(readBody(contentOf(''), { limit: -1 })).rejects.toThrow(RangeError);
    await expect(readBody(contentOf(''), { limit: Number.NaN })).rejects.toThrow(RangeError);
  });

  it('passes on a disconnect', async () => {
    const error = new DisconnectError('WSGI_ERR_DISCONNECTED', 'request');
    const input = new Input({ pull: () => Promise.reject(error) });
    await expect(readBody({ 'wsgi.input': input, 'wsgi.input_terminated': true })).rejects.toBe(error);
  });
});

describe('readText()', () => {
  it.each<[string | undefined, Uint8Array, string]>([
    [undefined, Buffer.from('тест'), 'тест'],
    ['text/plain', Buffer.from('тест'), 'тест'],
    ['text/plain; charset=utf-8', Buffer.from('\ufeffтест'), 'тест'],
    ['text/plain; charset=UTF-8; format=flowed', Buffer.from('é'), 'é'],
    ['text/plain;format=flowed; Charset="iso-8859-1"', Buffer.from([0xe9, 0x80]), 'é\x80'],
    ['text/plain; charset=windows-1251', Buffer.from([0xf2, 0xe5]), 'те'],
    ['text/plain; charset=utf-16le', Buffer.from('ab', 'utf16le'), 'ab'],
  ])('decodes %j', async (type, content, text) => {
    expect(await readText(contentOf(content, type === undefined ? {} : { type }))).toBe(text);
  });

  it('answers 415 to an unknown charset without reading', async () => {
    const environ = contentOf('x', { type: 'text/plain; charset=klingon' });
    expect(await failureOf(readText(environ))).toMatchObject({
      code: 'WSGI_ERR_CONTENT_UNSUPPORTED',
      statusCode: 415,
    });
    expect(environ.pulled()).toBe(0);
  });

  it('answers 400 to octets outside the charset', async () => {
    const environ = contentOf(Buffer.from([0x61, 0x80]));
    expect(await failureOf(readText(environ))).toMatchObject({
      code: 'WSGI_ERR_CONTENT_MALFORMED',
      statusCode: 400,
    });
  });

  it('answers 415 to compressed content, but not to identity', async () => {
    expect((await failureOf(readText(contentOf('x', { coding: 'gzip' })))).statusCode).toBe(415);
    for (const coding of ['identity', 'Identity', ' IDENTITY '])
      expect(await readText(contentOf('x', { coding }))).toBe('x');
  });
});

describe('readJson()', () => {
  it('parses the content', async () => {
    expect(await readJson(contentOf('{"a":[1,"é"]}'))).toEqual({ a: [1, 'é'] });
  });

  it.each(['', '{', "{'a':1}", '{"a":1}x'])('answers 400 to %j, with the cause', async (content) => {
    const { statusCode, cause } = await failureOf(readJson(contentOf(content)));
    expect(statusCode).toBe(400);
    expect(cause).toBeInstanceOf(SyntaxError);
  });

  it('obeys the limit', async () => {
    expect((await failureOf(readJson(contentOf('[1,2,3]'), { limit: 3 }))).statusCode).toBe(413);
  });

  it('does not repeat the content in its message', async () => {
    await expect(readJson(contentOf('{secret'))).rejects.toThrow(/^Request content is not valid JSON$/);
  });
});

describe('arguments that are not an environ or options', () => {
  it('are refused, so that no limit is lost', async () => {
    await expect(readBody(contentOf('')['wsgi.input'] as never)).rejects.toThrow(/must be the environ/);
    await expect(readText(contentOf(''), 5 as never)).rejects.toThrow(/such as \{ limit: 5 \}/);
  });
});

describe('readForm()', () => {
  const type = 'application/x-www-form-urlencoded';

  it('parses the content', async () => {
    const form = await readForm(contentOf('a=1&a=2&b=%C3%A9+x', { type }));
    expect([...form]).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['b', 'é x'],
    ]);
  });

  it('accepts parameters of the type and any letter case', async () => {
    const form = await readForm(
      contentOf('a=1', { type: 'Application/X-WWW-Form-urlencoded; charset=UTF-8' }),
    );
    expect(form.get('a')).toBe('1');
  });

  it.each(['multipart/form-data; boundary=x', 'text/plain', ''])('answers 415 to %j', async (other) => {
    const environ = contentOf('a=1', { type: other });
    expect((await failureOf(readForm(environ))).statusCode).toBe(415);
    expect(environ.pulled()).toBe(0);
  });
});
