/** Version 1 of the PROXY protocol: one line of text (§2.1). */
import { formatIPv6, isIPv4, parseIPv6 } from '../ip-address.ts';
import type { ProxyEndpoint, ReadProxyHeader } from './header.ts';
import { malformed } from './malformed.ts';

/** Begins every line. */
export const TEXT_SIGNATURE: Buffer = Buffer.from('PROXY ');

/** The longest line, with its CRLF. */
const MAX_LENGTH = 107;
const MAX_PORT = 65_535;

/** A receiver ignores the rest of the line after UNKNOWN. */
const UNKNOWN = /^PROXY UNKNOWN(?: |$)/;
const LINE = /^PROXY TCP([46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})$/;

/**
 * Reads the line.
 *
 * @param octets Begin with the signature, or a part of it
 * @returns undefined if the line is incomplete
 * @throws ProtocolError if it is malformed
 */
export function readTextHeader(octets: Buffer): ReadProxyHeader | undefined {
  const text = octets.toString('latin1', 0, MAX_LENGTH);
  const end = text.search(/[\r\n]/);
  // A CR at the end may be half of a CRLF.
  const isOpen = end === -1 || (text[end] === '\r' && end + 1 === text.length);
  if (isOpen && text.length < MAX_LENGTH) return undefined;
  if (isOpen) throw malformed(`line has more than ${MAX_LENGTH} octets`);
  if (!text.startsWith('\r\n', end)) throw malformed('line ends with a bare CR or LF');
  return { header: parseLine(text.slice(0, end)), length: end + 2 };
}

function parseLine(line: string): ReadProxyHeader['header'] {
  const [, version, ...parts] = LINE.exec(line) ?? [];
  const [source = '', destination = '', sourcePort = '', destinationPort = ''] = parts;
  const isKnown = version !== undefined;
  if (!isKnown && !UNKNOWN.test(line)) throw malformed('line is not that of TCP4, TCP6 or UNKNOWN');
  return {
    version: 1,
    command: 'PROXY',
    family: isKnown ? (version === '4' ? 'IPv4' : 'IPv6') : undefined,
    source: isKnown ? parseEnd(version, source, sourcePort) : undefined,
    destination: isKnown ? parseEnd(version, destination, destinationPort) : undefined,
    authority: undefined,
    tls: undefined,
    tlvs: [],
  };
}

function parseEnd(version: string, address: string, port: string): ProxyEndpoint {
  if (Number(port) > MAX_PORT) throw malformed('port is out of range');
  if (version === '4' && isIPv4(address)) return { address, port: Number(port) };
  const groups = version === '6' ? parseIPv6(address) : undefined;
  if (groups === undefined) throw malformed(`address is no IPv${version} address`);
  return { address: formatIPv6(groups), port: Number(port) };
}
