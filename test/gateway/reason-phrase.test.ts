import { STATUS_CODES } from 'node:http';
import { describe, expect, it } from 'vitest';
import { reasonPhrase } from '../../src/gateway/reason-phrase.ts';

/** What RFC 9110 renamed or dropped after node took it over, and what was a joke. */
const DIFFERENT = ['302', '413', '418', '422', '509', '510'];

describe('reasonPhrase()', () => {
  it('agrees with node, but for what RFC 9110 has changed', () => {
    const codes = Object.keys(STATUS_CODES).filter((code) => !DIFFERENT.includes(code));
    const ours = codes.map((code) => [code, reasonPhrase(Number(code)).toLowerCase()]);
    expect(ours).toEqual(codes.map((code) => [code, STATUS_CODES[code]?.toLowerCase()]));
  });

  it('is empty for a code that is not registered', () => {
    expect([reasonPhrase(299), reasonPhrase(999), reasonPhrase(418)]).toEqual(['', '', '']);
  });
});
