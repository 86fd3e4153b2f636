import { describe, expect, it } from 'vitest';
import { CHUNKED, decideRequestFraming } from '../../src/http/request-framing.ts';

const NOTHING = { protocol: 'HTTP/1.1', contentLength: undefined, transferEncoding: undefined } as const;

describe('decideRequestFraming()', () => {
  it('expects no content without either field', () => {
    expect(decideRequestFraming(NOTHING, 0)).toBe(0);
  });

  it.each([
    ['0', 0],
    ['5', 5],
    ['0005', 5],
    [`${'0'.repeat(400)}7`, 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('reads Content-Length %s', (contentLength, length) => {
    expect(decideRequestFraming({ ...NOTHING, contentLength }, Number.MAX_SAFE_INTEGER)).toBe(length);
  });

  it.each(['11', '1000000000000000', '9007199254740993', '9'.repeat(400)])(
    'answers 413 to Content-Length %s beyond 10',
    (contentLength) => {
      expect(() => decideRequestFraming({ ...NOTHING, contentLength }, 10)).toThrow(
        expect.objectContaining({ code: 'WSGI_ERR_CONTENT_TOO_LARGE', statusCode: 413 }),
      );
    },
  );

  it.each(['9007199254740992', '9007199254740993', '9'.repeat(400)])(
    'answers 413 to Content-Length %s without a limit',
    (contentLength) => {
      for (const maxBodySize of [Number.POSITIVE_INFINITY, 1e20]) {
        expect(() => decideRequestFraming({ ...NOTHING, contentLength }, maxBodySize)).toThrow(
          expect.objectContaining({
            code: 'WSGI_ERR_CONTENT_TOO_LARGE',
            message: 'Request content exceeds 9007199254740991 octets',
          }),
        );
      }
    },
  );

  it.each(['', '-1', '+1', '1.0', '1e3', '0x5', '5,5', '5, 5', '5 5', '٥', '5;', '1_000'])(
    'refuses Content-Length %j',
    (contentLength) => {
      expect(() => decideRequestFraming({ ...NOTHING, contentLength }, 10)).toThrow(
        expect.objectContaining({ code: 'WSGI_ERR_LENGTH_INVALID', statusCode: 400 }),
      );
    },
  );

  it.each(['chunked', 'Chunked', 'CHUNKED'])('reads Transfer-Encoding %s', (transferEncoding) => {
    expect(decideRequestFraming({ ...NOTHING, transferEncoding }, 10)).toBe(CHUNKED);
  });

  it.each([
    'gzip, chunked',
    'gzip,chunked',
    'gzip ,\tdeflate, chunked',
    'x;a=b;c="d, \\"e", chunked',
    'identity, chunked',
  ])('answers 501 to Transfer-Encoding %j', (transferEncoding) => {
    expect(() => decideRequestFraming({ ...NOTHING, transferEncoding }, 10)).toThrow(
      expect.objectContaining({ code: 'WSGI_ERR_CODING_UNSUPPORTED', statusCode: 501 }),
    );
  });

  it.each([
    '',
    ',',
    'chunked,',
    ', chunked',
    'gzip,, chunked',
    'chunked, chunked',
    'chunked, gzip',
    'chunked, gzip, chunked',
    'gzip',
    'identity',
    'xchunked',
    'chunkedx',
    'chunked;a=b',
    'chunked;',
    'chunked foo',
    'gzip chunked',
    '"chunked"',
    'x="a, chunked',
    '\x0bchunked',
    '\xa0chunked',
  ])('refuses Transfer-Encoding %j', (transferEncoding) => {
    expect(() => decideRequestFraming({ ...NOTHING, transferEncoding }, 10)).toThrow(
      expect.objectContaining({ code: 'WSGI_ERR_CODING_INVALID', statusCode: 400 }),
    );
  });

  it.each([
    { ...NOTHING, protocol: 'HTTP/1.0', transferEncoding: 'chunked' } as const,
    { ...NOTHING, contentLength: '5', transferEncoding: 'chunked' },
    { ...NOTHING, contentLength: '5', transferEncoding: 'gzip' },
    { ...NOTHING, contentLength: 'x', transferEncoding: '' },
  ])(
    'refuses $protocol with Content-Length $contentLength and Transfer-Encoding $transferEncoding',
    (fields) => {
      expect(() => decideRequestFraming(fields, 10)).toThrow(
        expect.objectContaining({ code: 'WSGI_ERR_FRAMING_AMBIGUOUS', statusCode: 400 }),
      );
    },
  );
});
