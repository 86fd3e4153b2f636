import { describe, expect, it } from 'vitest';
import { inOnePiece } from '../../src/http/index.ts';

describe('inOnePiece()', () => {
  it('gives the same native string', () => {
    const octets = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet));
    const text = octets.join('') + octets.reverse().join('');
    expect(inOnePiece(text)).toBe(text);
  });
});
