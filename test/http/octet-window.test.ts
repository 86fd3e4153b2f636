import { describe, expect, it } from 'vitest';
import { NOT_FIELD_OCTET } from '../../src/http/grammar.ts';
import { type LineKind, OctetWindow } from '../../src/http/octet-window.ts';
import { octets } from './exchange.ts';

const KIND: LineKind = { forbidden: NOT_FIELD_OCTET, tooLong: 'WSGI_ERR_FIELDS_TOO_LARGE' };

function windowOf(...pieces: string[]): OctetWindow {
  const window = new OctetWindow();
  for (const piece of pieces) window.push(octets(piece));
  return window;
}

describe('OctetWindow', () => {
  it('keeps octets that arrive at an empty window as a view', () => {
    const window = new OctetWindow();
    const whole = octets('abcdef');
    window.push(whole);
    window.skip(2);
    const piece = window.take(3);
    expect(piece.toString()).toBe('cde');
    expect(piece.buffer).toBe(whole.buffer);
    expect(window.length).toBe(1);
  });

  it('joins octets that arrive in pieces', () => {
    const window = windowOf('ab');
    window.skip(1);
    for (const piece of ['c', '', 'defgh', 'i']) window.push(octets(piece));
    expect(window.peek(100)).toBe('bcdefghi');
    expect(window.take(100).toString()).toBe('bcdefghi');
    expect(window.length).toBe(0);
  });

  it('never overwrites octets that it has given out', () => {
    const window = windowOf('ab', 'cd');
    const piece = window.take(3);
    window.push(octets('xyz'));
    window.push(octets('0123456789'));
    expect(piece.toString()).toBe('abc');
    expect(window.peek(100)).toBe('dxyz0123456789');
  });

  it('finds a sequence only in octets that were received', () => {
    const window = windowOf('a\r\n\r\nb', 'c');
    expect(window.indexOf(octets('\r\n\r\n'))).toBe(1);
    window.skip(2);
    expect(window.indexOf(octets('\r\n\r\n'))).toBe(-1);
  });

  describe('takeLine()', () => {
    it('gives lines without their CRLF, and waits for incomplete ones', () => {
      const window = windowOf('ab\r\n\r\nc');
      expect([window.takeLine(9, KIND), window.takeLine(9, KIND), window.takeLine(9, KIND)]).toEqual([
        'ab',
        '',
        undefined,
      ]);
      window.push(octets('d\r'));
      expect(window.takeLine(9, KIND)).toBeUndefined();
      window.push(octets('\nrest'));
      expect([window.takeLine(9, KIND), window.length]).toEqual(['cd', 4]);
    });

    it.each([
      ['a\n', 'LINE_END_INVALID'],
      ['\n', 'LINE_END_INVALID'],
      ['a\rb', 'LINE_END_INVALID'],
      ['a\r\rb', 'LINE_END_INVALID'],
      ['a\0', 'OCTET_FORBIDDEN'],
      ['abcdefghi', 'FIELDS_TOO_LARGE'],
      ['abcdefgh\r\n', 'FIELDS_TOO_LARGE'],
      ['abcdefgh\r', 'FIELDS_TOO_LARGE'],
    ])('refuses %j with a limit of 9', (text, code) => {
      expect(() => windowOf(text).takeLine(9, KIND)).toThrow(
        expect.objectContaining({ code: `WSGI_ERR_${code}` }),
      );
    });

    it('takes a line of exactly the limit', () => {
      expect(windowOf('abcdefg\r\n').takeLine(9, KIND)).toBe('abcdefg');
    });
  });

  describe('takeHexadecimal()', () => {
    it.each([
      ['0\r\n', 0],
      ['5\r\nhello', 5],
      ['FfA9\r\n', 0xffa9],
      ['ffffffffffff\r\n', 0xffffffffffff],
    ])('takes %j', (text, value) => {
      const window = windowOf(text);
      expect(window.takeHexadecimal()).toBe(value);
      expect(window.peek(9)).toBe(text.slice(text.indexOf('\n') + 1));
    });

    it.each([
      '',
      '5',
      '5\r',
      '\r\n',
      'g\r\n',
      '5 \r\n',
      '5;a\r\n',
      '-5\r\n',
      '5\n\n',
      '5\rx',
      '0fffffffffffff\r\n',
    ])('does not consume %j', (text) => {
      const window = windowOf(text);
      expect(window.takeHexadecimal()).toBe(-1);
      expect(window.length).toBe(text.length);
    });

    it('ignores octets that were not received', () => {
      const window = windowOf('xxxx5', '\r');
      window.skip(4);
      expect(window.takeHexadecimal()).toBe(-1);
    });
  });
});
