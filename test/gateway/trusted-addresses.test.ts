import * as net from 'node:net';
import { expect, it } from 'vitest';
import { addressTest } from '../../src/gateway/trusted-addresses.ts';

it.each<[string[], (string | undefined)[], (string | undefined)[]]>([
  [['10.0.0.0/8'], ['10.1.2.3', '::ffff:10.1.2.3'], ['11.0.0.1', '::1', undefined, '', 'nonsense']],
  [
    ['10.1.2.3', '2001:db8::/32'],
    ['10.1.2.3', '2001:db8::7'],
    ['10.1.2.4', '2001:db9::7'],
  ],
  [['loopback'], ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'], ['128.0.0.1', '::2', undefined]],
  [['linklocal'], ['169.254.1.1', 'fe80::1', 'fe80::1%eth0'], ['fe00::1%eth0', '%eth0']],
  [['uniquelocal'], ['10.0.0.1', '172.31.0.1', '192.168.1.1', 'fd00::1'], ['172.32.0.1']],
  [['unix'], [undefined, ''], ['127.0.0.1']],
  [['0.0.0.0/0', '::/0'], ['9.9.9.9', '2001:db8::1'], [undefined]],
  [[], [], ['127.0.0.1', undefined]],
])('%o trusts %o, and not %o', (addresses, trusted, others) => {
  const isTrusted = addressTest(addresses, net);
  for (const address of trusted) expect(isTrusted(address), address).toBe(true);
  for (const address of others) expect(isTrusted(address), address).toBe(false);
});

it.each(['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1%eth0', '::1/129', '*'])(
  'refuses %o',
  (address) => {
    expect(() => addressTest([address], net)).toThrow(TypeError);
  },
);
