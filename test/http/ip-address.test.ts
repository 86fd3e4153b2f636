import { isIP, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIPv6, isIPv4, parseIPv6 } from '../../src/http/ip-address.ts';

describe('addresses', () => {
  it('are those of node', () => {
    const parts = fc.constantFrom(
      '0',
      '1',
      'ffff',
      'FF',
      '00001',
      'g',
      ':',
      '::',
      '.',
      '1.2.3.4',
      '255',
      '256',
      '01',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 17 }), (texts) => {
        const text = texts.join('');
        expect(isIPv4(text)).toBe(isIP(text) === 4);
        expect(parseIPv6(text) !== undefined).toBe(isIPv6(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('of IPv6 are formatted as by the operating system', () => {
    const group = fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff }));
    const groups = fc.oneof(
      fc.array(group, { minLength: 8, maxLength: 8 }),
      fc.tuple(group, group).map((end) => [0, 0, 0, 0, 0, 0xffff, ...end]),
    );
    fc.assert(
      fc.property(groups, (numbers) => {
        const text = formatIPv6(numbers);
        expect(parseIPv6(text)).toEqual(numbers);
        // The obsolete IPv4-compatible addresses look different there.
        if (numbers.slice(0, 6).some((number) => number !== 0)) {
          const full = numbers.map((number) => number.toString(16)).join(':');
          expect(text).toBe(new SocketAddress({ address: full, family: 'ipv6' }).address);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:2:0:0:3', '1::2:2:0:0:3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['::FFFF:102:304', '::ffff:1.2.3.4'],
  ])('%s is %s', (text, canonical) => {
    expect(formatIPv6(parseIPv6(text) ?? [])).toBe(canonical);
  });
});
