/** Builds PROXY protocol headers of version 2, right and wrong ones. */
import { crc32c } from '../../src/http/proxy-protocol/crc32c.ts';

/** The first octets of every header. */
export const SIGNATURE: Buffer = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** Types of additions. */
export const TYPE = { alpn: 1, authority: 2, crc32c: 3, noop: 4, uniqueId: 5, ssl: 0x20, aws: 0xea } as const;

/** Makes one addition. */
export function tlv(type: number, value: Uint8Array | string): Buffer {
  const octets = Buffer.from(value);
  return Buffer.concat([Buffer.from([type, octets.length >> 8, octets.length & 0xff]), octets]);
}

/** Makes the addition about TLS. */
export function ssl(bits: number, verify: number, ...inner: Buffer[]): Buffer {
  const result = Buffer.alloc(4);
  result.writeUInt32BE(verify);
  return tlv(TYPE.ssl, Buffer.concat([Buffer.from([bits]), result, ...inner]));
}

/** Makes a header of any kind: version and command, family and transport, and what follows the length. */
export function header(versionAndCommand: number, family: number, ...rest: Uint8Array[]): Buffer {
  const block = Buffer.concat(rest);
  const fixed = Buffer.from([versionAndCommand, family, block.length >> 8, block.length & 0xff]);
  return Buffer.concat([SIGNATURE, fixed, block]);
}

/** Adds the checksum, after everything else. */
export function withChecksum(whole: Buffer): Buffer {
  const grown = Buffer.concat([whole, tlv(TYPE.crc32c, Buffer.alloc(4))]);
  grown.writeUInt16BE(grown.length - 16, 14);
  grown.writeUInt32BE(crc32c(grown), grown.length - 4);
  return grown;
}

/** Makes the addresses of a header for TCP over IPv4 or IPv6. */
export function ends(source: Uint8Array, destination: Uint8Array, ports: readonly [number, number]): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt16BE(ports[0]);
  octets.writeUInt16BE(ports[1], 2);
  return Buffer.concat([source, destination, octets]);
}

/** A client at 198.51.100.7:4711, which has connected to 203.0.113.9:443. */
export const FROM_IPV4: Buffer = ends(
  Buffer.from([198, 51, 100, 7]),
  Buffer.from([203, 0, 113, 9]),
  [4711, 443],
);

/** A client at [2001:db8::7]:4711, which has connected to [2001:db8::9]:443. */
export const FROM_IPV6: Buffer = ends(
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.from('20010db8000000000000000000000009', 'hex'),
  [4711, 443],
);

/** Fills up a path. */
export function path(name: string): Buffer {
  return Buffer.concat([Buffer.from(name), Buffer.alloc(108)]).subarray(0, 108);
}
