import { describe, expect, it } from 'vitest';
import { inOnePiece, LastValue } from '../../src/gateway/name-memory.ts';

describe('inOnePiece()', () => {
  it('gives the same native string', () => {
    const octets = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet));
    const text = octets.join('') + octets.reverse().join('');
    expect(inOnePiece(text)).toBe(text);
    expect(inOnePiece('\xe9')).toBe('\xe9');
    expect(inOnePiece('')).toBe('');
  });
});

describe('LastValue', () => {
  it('remembers the value that it was given last', () => {
    const last = new LastValue();
    expect(last.value).toBe('');
    expect(last.change('text/html; charset=utf-8')).toBe(true);
    expect(last.change('text/css')).toBe(true);
    expect(last.value).toBe('text/css');
  });

  it('gives up on what changes again and again, and on what is long', () => {
    const last = new LastValue();
    expect(last.change('x'.repeat(1025))).toBe(false);
    expect(last.value).toBe('');
    const taken = Array.from({ length: 100 }, (_, index) => last.change(`"${index}"`));
    expect(taken.filter(Boolean).length).toBe(16);
    expect(last.value).toBe('"15"');
  });
});
