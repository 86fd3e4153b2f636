/** Version 2 of the PROXY protocol: a binary block (§2.2). */
import { formatIPv6 } from '../ip-address.ts';
import type { ProxyEndpoint, ProxyHeader, ReadProxyHeader } from './header.ts';
import { malformed } from './malformed.ts';
import { findAuthority, findTls, readTypeLengthValues } from './type-length-value.ts';

/** Begins every block. */
export const BINARY_SIGNATURE: Buffer = Buffer.from('\r\n\r\n\0\r\nQUIT\n');

/** Signature, version and command, family and transport, length of the rest. */
const FIXED_LENGTH = 16;
/** Sixteen bits could be more. It has room for a certificate among the additions, as the buffer of HAProxy has. */
const MAX_LENGTH = 16_384;
const IPV4_LENGTH = 4;
const IPV6_LENGTH = 16;
const PATH_LENGTH = 108;

const LOCAL = 0;
const PROXY = 1;
/** The highest number of each that is assigned. 0 is `unspecified`. */
const MAX_FAMILY = 3;
const MAX_TRANSPORT = 2;

/** Says nothing but that the connection is the proxy's own, or of an unknown kind. */
const NOTHING_TOLD = {
  version: 2,
  family: undefined,
  source: undefined,
  destination: undefined,
  authority: undefined,
  tls: undefined,
  tlvs: [],
} as const;

/**
 * Reads the block.
 *
 * @param octets Begin with the signature, or a part of it
 * @returns undefined if the block is incomplete
 * @throws ProtocolError if it is malformed
 */
export function readBinaryHeader(octets: Buffer): ReadProxyHeader | undefined {
  const [version, command] = halvesOf(octets, BINARY_SIGNATURE.length);
  if (version === undefined || command === undefined) return undefined;
  if (version !== 2) throw malformed(`version is ${version}`);
  if (command > PROXY) throw malformed(`command is ${command}`);
  const [family, transport] = halvesOf(octets, BINARY_SIGNATURE.length + 1);
  if (family === undefined || transport === undefined) return undefined;
  // Of a LOCAL connection everything else is ignored.
  if (command === PROXY && family > MAX_FAMILY) throw malformed(`address family is ${family}`);
  if (command === PROXY && transport > MAX_TRANSPORT) throw malformed(`transport is ${transport}`);
  if (octets.length < FIXED_LENGTH) return undefined;
  const length = FIXED_LENGTH + octets.readUInt16BE(FIXED_LENGTH - 2);
  if (length > MAX_LENGTH) throw malformed(`block has more than ${MAX_LENGTH} octets`);
  if (octets.length < length) return undefined;
  if (command === LOCAL) return { header: { ...NOTHING_TOLD, command: 'LOCAL' }, length };
  // The length of unspecified addresses is unknown, and so where additions begin.
  if (family === 0 || transport === 0) return { header: { ...NOTHING_TOLD, command: 'PROXY' }, length };
  return { header: readBlock(octets.subarray(0, length), family), length };
}

function halvesOf(octets: Buffer, index: number): [high?: number, low?: number] {
  const octet = octets[index];
  return octet === undefined ? [] : [octet >> 4, octet & 0xf];
}

/** Datagrams count too: a proxy may relay HTTP/3. */
function readBlock(octets: Buffer, family: number): ProxyHeader {
  const { name, size, hasPorts } = FAMILIES[family] ?? FAMILIES[1];
  const end = FIXED_LENGTH + 2 * size + (hasPorts ? 4 : 0);
  if (octets.length < end) throw malformed('block is too short for its addresses');
  const readEnd = (index: number): ProxyEndpoint => {
    const start = FIXED_LENGTH + index * size;
    const address = formatAddress(octets.subarray(start, start + size));
    return { address, port: hasPorts ? octets.readUInt16BE(end - 4 + 2 * index) : undefined };
  };
  const tlvs = readTypeLengthValues(octets, end);
  return {
    version: 2,
    command: 'PROXY',
    family: name,
    source: readEnd(0),
    destination: readEnd(1),
    authority: findAuthority(tlvs),
    tls: findTls(tlvs),
    tlvs,
  };
}

interface Family {
  readonly name: 'IPv4' | 'IPv6' | 'unix';
  /** Octets of an address. */
  readonly size: number;
  readonly hasPorts: boolean;
}

const FAMILIES: Readonly<Record<number, Family>> & { readonly 1: Family } = {
  1: { name: 'IPv4', size: IPV4_LENGTH, hasPorts: true },
  2: { name: 'IPv6', size: IPV6_LENGTH, hasPorts: true },
  3: { name: 'unix', size: PATH_LENGTH, hasPorts: false },
};

function formatAddress(octets: Buffer): string {
  if (octets.length === IPV4_LENGTH) return octets.join('.');
  if (octets.length === IPV6_LENGTH) {
    return formatIPv6(Array.from({ length: IPV6_LENGTH / 2 }, (_, index) => octets.readUInt16BE(2 * index)));
  }
  // An abstract name begins with a NUL.
  const end = octets.indexOf(0, 1);
  const path = octets.toString('utf8', 0, end === -1 ? octets.length : end);
  return path === '\0' ? '' : path;
}
