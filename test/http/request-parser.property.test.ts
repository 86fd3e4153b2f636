/**
 * Properties of the parser: cuts do not matter, and garbage gives only refusals or requests.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, cutAll, exchange, octets, type Received } from './exchange.ts';

/** Pieces of HTTP, whole and broken, to build near misses from. */
const FRAGMENTS = [
  'GET / HTTP/1.1\r\n',
  'POST /a HTTP/1.1\r\n',
  'OPTIONS * HTTP/1.1\r\n',
  'GET http://h/p HTTP/1.0\r\n',
  'Host: a\r\n',
  'Host: [::1]:80\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive, upgrade\r\n',
  'Expect: 100-continue\r\n',
  'X: \t v \xe9 \t\r\n',
  '\r\n',
  '3\r\nabc\r\n',
  '3;a=b;c="d\\"e"\r\nabc\r\n',
  '0\r\n\r\n',
  '0\r\nT: 1\r\n\r\n',
  'abc',
  'GET',
  ' ',
  '/',
  'HTTP/1.1',
  'HTTP/2.0',
  ':',
  ';',
  '"',
  '\r',
  '\n',
  '\t',
  '\0',
  '\x7f',
  '\x80',
  '#',
  '@',
  'A'.repeat(30),
];

const fragments = fc
  .array(fc.constantFrom(...FRAGMENTS), { maxLength: 14 })
  .map((parts) => octets(parts.join('')));

/** Valid requests; `mutated` puts them one after another and changes an octet. */
const message = fc.constantFrom(
  'GET /x HTTP/1.1\r\nHost: a\r\n\r\n',
  '\r\nGET /y HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
  'POST /z HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;a="b c";d\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
  'GET /k HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
);
const mutated = fc
  .tuple(fc.array(message, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255), fc.nat(2))
  .map(([messages, at, octet, kind]) => {
    const text = messages.join('');
    const position = at % text.length;
    const inserted = String.fromCharCode(octet);
    return octets(text.slice(0, position) + inserted + text.slice(position + kind));
  });

const garbage = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const input = fc.oneof(fragments, mutated, garbage);

/** Small limits, which generated input reaches. */
const limits = fc.record({
  maxHeaderSize: fc.integer({ min: 20, max: 120 }),
  maxHeadersCount: fc.integer({ min: 1, max: 5 }),
  maxBodySize: fc.integer({ min: 0, max: 12 }),
  maxChunkExtensionSize: fc.integer({ min: 0, max: 12 }),
  maxTrailerSize: fc.integer({ min: 2, max: 12 }),
});

/** Octets behind a piece, which the parser must not read: they would end any line. */
const BEHIND = octets('0\r\n\r\n');

/** Views of an arena that has BEHIND after each piece; nothing is copied. */
function viewsOf(arena: Buffer, pieces: readonly Buffer[]): Received[] {
  let start = 0;
  return pieces.map(({ length }) => {
    const buffer = arena.subarray(start);
    start += length + BEHIND.length;
    return { buffer, length };
  });
}

describe('RequestParser', () => {
  it('gives the same outcome however the octets are cut', () => {
    fc.assert(
      fc.property(input, fc.array(fc.nat(400), { maxLength: 8 }), (whole, positions) => {
        const outcome = exchange([whole]);
        expect(exchange(cut(whole, positions))).toEqual(outcome);
        expect(exchange(cutAll(whole))).toEqual(outcome);
      }),
      { numRuns: 4000 },
    );
  });

  it('gives the same outcome however the octets are cut, at its limits too', () => {
    fc.assert(
      fc.property(input, limits, fc.array(fc.nat(400), { maxLength: 8 }), (whole, bounds, positions) => {
        const outcome = exchange([whole], bounds);
        expect(exchange(cut(whole, positions), bounds)).toEqual(outcome);
        expect(exchange(cutAll(whole), bounds)).toEqual(outcome);
      }),
      { numRuns: 4000 },
    );
  });

  it('neither changes the octets that it was given, nor touches those behind them', () => {
    fc.assert(
      fc.property(input, fc.array(fc.nat(400), { maxLength: 8 }), (whole, positions) => {
        const pieces = cut(whole, positions);
        const arena = Buffer.concat(pieces.flatMap((piece) => [piece, BEHIND]));
        const before = Buffer.from(arena);
        expect(exchange(viewsOf(arena, pieces))).toEqual(exchange([whole]));
        expect(arena.equals(before)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
