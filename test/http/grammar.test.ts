import { describe, expect, it } from 'vitest';
import {
  findForbiddenOctet,
  NOT_FIELD_OCTET,
  NOT_REQUEST_LINE_OCTET,
  quote,
  sliceTrimmed,
  splitList,
  TOKEN,
} from '../../src/http/grammar.ts';

const OCTETS = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet));

describe('TOKEN', () => {
  it('matches the fifteen signs, digits and letters of RFC 9110 §5.6.2', () => {
    const signs = "!#$%&'*+-.^_`|~";
    const allowed = OCTETS.filter((octet) => TOKEN.test(octet));
    expect(allowed.filter((octet) => !/[0-9A-Za-z]/.test(octet)).join('')).toBe(signs);
    expect(allowed).toHaveLength(15 + 10 + 52);
    expect(TOKEN.test('')).toBe(false);
    expect(TOKEN.test('a\n')).toBe(false);
  });
});

describe('forbidden octets', () => {
  it('are all control characters but HTAB in fields', () => {
    const forbidden = OCTETS.filter((octet) => NOT_FIELD_OCTET.test(octet)).map((octet) =>
      octet.charCodeAt(0),
    );
    expect(forbidden).toEqual([...Array(32).keys()].filter((octet) => octet !== 9).concat(127));
  });

  it('are HTAB and everything above ~ too in request lines', () => {
    const allowed = OCTETS.filter((octet) => !NOT_REQUEST_LINE_OCTET.test(octet));
    expect(allowed.join('')).toBe(OCTETS.slice(0x20, 0x7f).join(''));
  });
});

describe('findForbiddenOctet()', () => {
  it.each([
    ['a\rb', 'WSGI_ERR_LINE_END_INVALID'],
    ['a\nb\0', 'WSGI_ERR_LINE_END_INVALID'],
    ['a\0b\n', 'WSGI_ERR_OCTET_FORBIDDEN'],
    ['\x7f', 'WSGI_ERR_OCTET_FORBIDDEN'],
  ])('reports the first fault of %j', (line, code) => {
    expect(findForbiddenOctet(line, NOT_FIELD_OCTET)).toMatchObject({ code, statusCode: 400 });
  });

  it('accepts allowed octets', () => {
    expect(findForbiddenOctet('\t ~\x80\xff', NOT_FIELD_OCTET)).toBeUndefined();
  });
});

describe('sliceTrimmed()', () => {
  it.each([
    ['ab', 'ab'],
    [' \t a \t b\t ', 'a \t b'],
    ['', ''],
    [' \t ', ''],
    ['\xa0a\xa0', '\xa0a\xa0'],
    ['\x0ba\x0c', '\x0ba\x0c'],
  ])('strips only SP and HTAB from %j', (text, trimmed) => {
    expect(sliceTrimmed(text, 0, text.length)).toBe(trimmed);
  });

  it('trims only within its bounds', () => {
    expect(sliceTrimmed(' a: b ', 3, 5)).toBe('b');
  });
});

describe('splitList()', () => {
  it.each([
    ['', []],
    ['a', ['a']],
    ['a,b', ['a', 'b']],
    [' ,\t a ,, b\t, ', ['a', 'b']],
    ['a b', ['a b']],
  ])('gives the elements of %j', (value, elements) => {
    expect(splitList(value)).toEqual(elements);
  });
});

describe('quote()', () => {
  it('escapes control characters and shortens long strings', () => {
    expect(quote('a\r\n"')).toBe('"a\\r\\n\\""');
    expect(quote('\x7f\x80\x9f\xa0é')).toBe('"\\u007f\\u0080\\u009f\xa0é"');
    for (const octet of OCTETS) expect(quote(octet)).not.toMatch(/\p{Cc}/u);
    expect(quote('x'.repeat(1000))).toBe(`"${'x'.repeat(40)}…"`);
  });
});
