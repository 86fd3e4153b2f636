/** Makes the URL of a server, for people. */
import type { AddressInfo } from 'node:net';

/** Addresses that mean every address, which nobody can open. */
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

/**
 * Gives the URL that a person opens on the server's machine, with a slash at its end.
 *
 * @param address What `address()` gives
 * @param scheme Of the server
 * @param host The host that `listen` was given; its certificate may name it
 * @returns undefined if the server listens on no port
 */
export function serverUrl(
  address: Pick<AddressInfo, 'address' | 'port'> | string | null,
  scheme: 'http' | 'https',
  host: string | undefined,
): string | undefined {
  if (address === null || typeof address === 'string') return undefined;
  const name = isName(host) ? host : isWildcard(address.address) ? 'localhost' : literal(address);
  const port = address.port === (scheme === 'https' ? 443 : 80) ? '' : `:${address.port}`;
  return `${scheme}://${name}${port}/`;
}

/** Tells if an address means every address of the machine. */
export function isWildcard(address: string): boolean {
  return WILDCARDS.includes(address);
}

function isName(host: string | undefined): host is string {
  return host !== undefined && /[a-z]/i.test(host) && !host.includes(':');
}

/** RFC 6874: the percent sign before a zone is encoded. */
function literal({ address }: Pick<AddressInfo, 'address'>): string {
  return address.includes(':') ? `[${address.replace('%', '%25')}]` : address;
}

/** Finds the host among the arguments of `listen`. */
export function hostIn(values: readonly unknown[]): string | undefined {
  const [first, second] = values;
  const host: unknown = typeof first === 'object' && first !== null ? Reflect.get(first, 'host') : second;
  return typeof host === 'string' ? host : undefined;
}
