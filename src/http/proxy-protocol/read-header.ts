/**
 * Parses the header of the PROXY protocol, by which a proxy in TCP mode tells whose connection it relays
 * (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt; the sections cited in this folder are its own).
 *
 * Rule 1: nothing is guessed. The caller knows that a header must come; octets that begin otherwise are a fault.
 * Rule 2: a fault is found as early as possible, and the outcome does not depend on how the octets were cut.
 */
import { ProtocolError } from '../../errors.ts';
import type { ReadProxyHeader } from './header.ts';
import { readTextHeader, TEXT_SIGNATURE } from './version-1.ts';
import { BINARY_SIGNATURE, readBinaryHeader } from './version-2.ts';

/**
 * Reads the header at the start of a connection.
 *
 * @param octets All that has come so far
 * @returns undefined if the header is incomplete
 * @throws {@link ProtocolError} if it is malformed, or if there is none
 */
export function readProxyHeader(octets: Buffer): ReadProxyHeader | undefined {
  if (isBegun(octets, TEXT_SIGNATURE)) return readTextHeader(octets);
  if (isBegun(octets, BINARY_SIGNATURE)) return readBinaryHeader(octets);
  throw new ProtocolError('WSGI_ERR_PROXY_HEADER_MISSING');
}

/** Tells if octets begin with a signature, or are a part of it. */
function isBegun(octets: Buffer, signature: Buffer): boolean {
  const length = Math.min(octets.length, signature.length);
  return octets.subarray(0, length).equals(signature.subarray(0, length));
}
