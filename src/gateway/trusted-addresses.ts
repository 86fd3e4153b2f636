/** The addresses of proxies that are trusted. */
import type * as net from 'node:net';

/** Names of ranges, as Express has them. */
const RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** Tells if an address is trusted. An undefined one is that of a unix socket. */
export type AddressTest = (address: string | undefined) => boolean;

/**
 * Makes the test for a list of addresses, subnets (`10.0.0.0/8`) and names (`loopback`, `linklocal`, `uniquelocal`, `unix`).
 *
 * @param node Of `node:net`, which other runtimes may not have
 * @throws TypeError if one is none of these
 */
export function addressTest(
  addresses: readonly string[],
  { BlockList, isIP }: Pick<typeof net, 'BlockList' | 'isIP'>,
): AddressTest {
  const list = new BlockList();
  for (const entry of addresses.flatMap((name) => RANGES[name] ?? [name])) {
    if (entry === 'unix') continue;
    const [address = '', bits, ...more] = entry.split('/');
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : Number(bits);
    const isValid = family !== 0 && !address.includes('%') && more.length === 0;
    if (!isValid || !/^[0-9]*$/.test(bits ?? '') || bits === '' || prefix > most) {
      throw new TypeError(
        `Trusted address must be an address, a subnet such as 10.0.0.0/8, loopback, linklocal, uniquelocal or unix, not ${JSON.stringify(entry)}`,
      );
    }
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  const trustsUnix = addresses.includes('unix');
  return (address) => {
    if (address === undefined || address === '') return trustsUnix;
    // A link-local address of a socket has a zone.
    const [plain = ''] = address.split('%');
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}
