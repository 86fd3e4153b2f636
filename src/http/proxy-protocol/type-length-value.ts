/** The additions to a header of version 2: type, length and value, one behind the other (§2.2.1 to §2.2.8). */
import { crc32c } from './crc32c.ts';
import { malformed } from './malformed.ts';

/** One addition. */
export interface TypeLengthValue {
  /** PP2_TYPE_…: 0xea is Amazon's, 0xe0 Google's, 0xee Azure's. */
  readonly type: number;
  readonly value: Uint8Array;
}

/** The TLS between a client and its proxy. */
export interface ProxyTls {
  /** Such as `TLSv1.3`. */
  readonly protocol: string | undefined;
  readonly cipher: string | undefined;
  /** The client has shown a certificate in this session. */
  readonly hasCertificate: boolean;
  /** The proxy has verified it. */
  readonly isVerified: boolean;
  /** The common name in it. */
  readonly commonName: string | undefined;
}

const AUTHORITY = 0x02;
const CRC32C = 0x03;
const SSL = 0x20;
const SSL_VERSION = 0x21;
const SSL_COMMON_NAME = 0x22;
const SSL_CIPHER = 0x23;

/** Bits of the first octet of SSL. */
const IS_TLS = 1;
const HAS_CERTIFICATE = 2 | 4;

/** Type and length. */
const HEAD_LENGTH = 3;
const CHECKSUM_LENGTH = 4;
/** Bits, and the result of the verification. */
const SSL_LENGTH = 5;

/**
 * Reads the additions, and checks the checksum if there is one (§2.2.3).
 *
 * @param header The whole header
 * @param start The place of the first addition
 * @throws ProtocolError if one does not fit, or the checksum is wrong
 */
export function readTypeLengthValues(header: Buffer, start: number): TypeLengthValue[] {
  return readAll(header, start, (type, from, length) => {
    if (type === CRC32C) checkSum(header, from, length);
  });
}

function readAll(
  octets: Buffer,
  start: number,
  onEach: (type: number, from: number, length: number) => void = () => {},
): TypeLengthValue[] {
  const found: TypeLengthValue[] = [];
  let place = start;
  while (place < octets.length) {
    const from = place + HEAD_LENGTH;
    if (from > octets.length) throw malformed('addition is cut');
    const type = octets.readUInt8(place);
    const length = octets.readUInt16BE(place + 1);
    place = from + length;
    if (place > octets.length) throw malformed('addition is longer than the header');
    onEach(type, from, length);
    // A copy: the octets may be a view of a large buffer.
    found.push({ type, value: new Uint8Array(octets.subarray(from, place)) });
  }
  return found;
}

/** The sum is that of the header with zeros in the place of the sum. */
function checkSum(header: Buffer, from: number, length: number): void {
  if (length !== CHECKSUM_LENGTH) throw malformed('checksum has a wrong length');
  const blank = Buffer.from(header).fill(0, from, from + length);
  if (crc32c(blank) !== header.readUInt32BE(from)) throw malformed('checksum is wrong');
}

/** Finds the host name that the client asked for. */
export function findAuthority(tlvs: readonly TypeLengthValue[]): string | undefined {
  return textOf(tlvs, AUTHORITY);
}

/**
 * Finds the client's TLS.
 *
 * @returns undefined if the client did not use TLS, or nothing is said of it
 * @throws ProtocolError if the addition is malformed
 */
export function findTls(tlvs: readonly TypeLengthValue[]): ProxyTls | undefined {
  const value = tlvs.find(({ type }) => type === SSL)?.value;
  if (value === undefined) return undefined;
  const octets = Buffer.from(value);
  if (octets.length < SSL_LENGTH) throw malformed('addition about TLS is cut');
  const inner = readAll(octets, SSL_LENGTH);
  const bits = octets.readUInt8(0);
  if ((bits & IS_TLS) === 0) return undefined;
  const hasCertificate = (bits & HAS_CERTIFICATE) !== 0;
  return {
    protocol: textOf(inner, SSL_VERSION),
    cipher: textOf(inner, SSL_CIPHER),
    hasCertificate,
    // The result is 0 for `verified`.
    isVerified: hasCertificate && octets.readUInt32BE(1) === 0,
    commonName: textOf(inner, SSL_COMMON_NAME),
  };
}

function textOf(tlvs: readonly TypeLengthValue[], wanted: number): string | undefined {
  const value = tlvs.find(({ type }) => type === wanted)?.value;
  return value === undefined ? undefined : Buffer.from(value).toString();
}
