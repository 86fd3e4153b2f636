import { expect, it } from 'vitest';
import { latin1Text } from '../../src/node-internals/index.ts';

it('makes a native string of octets', () => {
  const octets = Uint8Array.from({ length: 256 }, (_, octet) => octet);
  const text = String.fromCharCode(...octets);
  expect(latin1Text(octets)).toBe(text);
  expect(latin1Text(Buffer.from(octets))).toBe(text);
});

it('takes no octets beside a view', () => {
  const octets = Buffer.from('before-middle-after');
  expect(latin1Text(octets.subarray(7, 13))).toBe('middle');
  expect(latin1Text(new Uint8Array(octets.buffer, octets.byteOffset + 7, 6))).toBe('middle');
  expect(latin1Text(octets.subarray(7, 7))).toBe('');
});
