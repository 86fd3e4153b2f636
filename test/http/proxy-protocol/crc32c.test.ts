import { expect, it } from 'vitest';
import { crc32c } from '../../../src/http/proxy-protocol/crc32c.ts';

// Check values of RFC 3720, B.4, and of the usual nine digits.
it.each([
  ['nothing', Buffer.alloc(0), 0],
  ['digits', Buffer.from('123456789'), 0xe3069283],
  ['zeros', Buffer.alloc(32), 0x8a9136aa],
  ['ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['numbers', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
])('is that of the RFC for %s', (_name, octets, sum) => {
  expect(crc32c(octets)).toBe(sum);
});
