import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeNative, decodePath, encodeNative, quotePath } from '../../src/gateway/native-string.ts';

const anyNative = fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets).toString('latin1'));
/** Text with many apparent escapes. */
const anyEncoded = fc.string({
  unit: fc.constantFrom('%', '2', 'F', 'f', 'z', '/', '\x80', 'a'),
  maxLength: 40,
});

describe('decodePath()', () => {
  it.each([
    ['/p%61th/', '/path/'],
    ['/%80', '/\x80'],
    ['/%E4%BD%A0', '/\xe4\xbd\xa0'],
    ['/%e4%bd%a0', '/\xe4\xbd\xa0'],
    ['/%zz%4', '/%zz%4'],
    ['/100%', '/100%'],
    ['/%', '/%'],
    ['/%%41', '/%A'],
    ['/%2525', '/%25'],
    ['/a%2Fb', '/a/b'],
    ['/%00', '/\0'],
    ['/%u0041', '/%u0041'],
    ['/a+b', '/a+b'],
    ['', ''],
  ])('decodes %j to %j', (path, decoded) => {
    expect(decodePath(path)).toBe(decoded);
  });

  it('decodes every octet', () => {
    for (let octet = 0; octet < 256; octet += 1) {
      expect(decodePath(`%${octet.toString(16).padStart(2, '0')}`).charCodeAt(0)).toBe(octet);
    }
  });

  it('reverses quotePath() for all octets', () => {
    fc.assert(fc.property(anyNative, (native) => decodePath(quotePath(native)) === native));
  });

  it('agrees with a decoder that works octet by octet', () => {
    function decodeSlowly(path: string): string {
      let decoded = '';
      for (let index = 0; index < path.length; index += 1) {
        const digits = path.slice(index + 1, index + 3);
        const isEscape =
          path[index] === '%' &&
          digits.length === 2 &&
          [...digits].every((d) => '0123456789abcdefABCDEF'.includes(d));
        decoded += isEscape ? String.fromCharCode(Number(`0x${digits}`)) : path[index];
        if (isEscape) index += 2;
      }
      return decoded;
    }
    fc.assert(fc.property(anyEncoded, (path) => decodePath(path) === decodeSlowly(path)));
  });

  it('never gives a character above U+00FF', () => {
    fc.assert(fc.property(anyEncoded, (path) => [...decodePath(path)].every((c) => c <= '\xff')));
  });
});

describe('quotePath()', () => {
  it.each([
    ['/sp\xe4m', '/sp%E4m'],
    ['/a b%c', '/a%20b%25c'],
    ["/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@"],
    ['/?#[]"<>\\^`{|}', '/%3F%23%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D'],
    ['/\n', '/%0A'],
  ])('quotes %j as %j', (path, quoted) => {
    expect(quotePath(path)).toBe(quoted);
  });

  it('quotes delimiters that the caller does not list', () => {
    expect(quotePath('/a;b=c,d', '')).toBe('/a%3Bb%3Dc%2Cd');
    expect(quotePath('/a;b=c,d', ';,')).toBe('/a;b%3Dc,d');
  });

  it('gives only characters that RFC 3986 allows in a path', () => {
    fc.assert(
      fc.property(anyNative, (native) =>
        /^(?:[\w\-.~!$&'()*+,;=:@/]|%[0-9A-F]{2})*$/.test(quotePath(native)),
      ),
    );
  });

  it('throws a RangeError for text', () => {
    expect(() => quotePath('/中')).toThrow(RangeError);
  });
});

describe('encodeNative() and decodeNative()', () => {
  it.each([
    ['/café', '/caf\xc3\xa9'],
    ['/中', '/\xe4\xb8\xad'],
    ['😀', '\xf0\x9f\x98\x80'],
    ['/\x80', '/\xc2\x80'],
    ['', ''],
  ])('convert %j to native and back', (text, native) => {
    expect(encodeNative(text)).toBe(native);
    expect(decodeNative(native)).toBe(text);
  });

  it('restore every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => decodeNative(encodeNative(text)) === text),
    );
  });

  it('encode to native strings only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => [...encodeNative(text)].every((c) => c <= '\xff')),
    );
  });

  it('decode octets outside UTF-8 to replacement characters', () => {
    expect(decodeNative('/\x80')).toBe('/\ufffd');
  });

  it('refuse to decode text with a RangeError: U+010A must not become a newline', () => {
    expect(() => decodeNative('\u010a')).toThrow(RangeError);
  });
});
