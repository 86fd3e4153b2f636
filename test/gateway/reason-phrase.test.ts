import { STATUS_CODES } from 'node:http';
import { describe, expect, it } from 'vitest';
import { reasonPhrase } from '../../src/gateway/reason-phrase.ts';

/** Codes that RFC 9110 renamed or dropped after node adopted them, and a joke. */
const DIFFERENT = ['302', '413', '418', '422', '509', '510'];

describe('reasonPhrase()', () => {
  it('agrees with node, except for changes by RFC 9110', () => {
    const codes = Object.keys(STATUS_CODES).filter((code) => !DIFFERENT.includes(code));
    const ours = codes.map((code) => [code, reasonPhrase(Number(code)).toLowerCase()]);
    expect(ours).toEqual(codes.map((code) => [code, STATUS_CODES[code]?.toLowerCase()]));
  });

  it('is empty for an unregistered code', () => {
    expect([reasonPhrase(299), reasonPhrase(999), reasonPhrase(418)]).toEqual(['', '', '']);
  });
});
