/**
 * The request line: method SP request-target SP HTTP-version (RFC 9112 §3).
 *
 * Rule 1: no other form is accepted. The RFC also lets a recipient split on any whitespace, but then two recipients
 *         read different requests.
 * Rule 2: the checks run in this order: octets, parts, method, version, target.
 */
import { ProtocolError } from '../errors.ts';
import { parseAuthority } from './authority.ts';
import { findForbiddenOctet, NOT_REQUEST_LINE_OCTET, quote, TOKEN } from './grammar.ts';

/** The form of a request target (RFC 9112 §3.2.1 to §3.2.4). */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';

/** A supported version. HTTP/1.x above 1.0 is read as 1.1. */
export type HttpVersion = 'HTTP/1.0' | 'HTTP/1.1';

/** The parts of a request line. */
export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly targetForm: TargetForm;
  readonly protocol: HttpVersion;
}

/** HTTP-version = "HTTP" "/" DIGIT "." DIGIT, in upper case (RFC 9112 §2.3). */
const VERSION = /^HTTP\/([0-9])\.([0-9])$/;

/** VCHAR but "#": a fragment is never sent, and a recipient that cuts it off sees another path (CVE-2023-45539). */
export const TARGET: RegExp = /^[\x21\x22\x24-\x7e]+$/;

/** Scheme and authority of absolute-form; path or query follow (RFC 9110 §4.2.1, §4.2.2). */
const ABSOLUTE_FORM = /^https?:\/\/([^/?]*)/i;

/**
 * Parses a request line without its CRLF.
 *
 * @throws {@link ProtocolError}
 */
export function parseRequestLine(line: string): RequestLine {
  const methodEnd = line.indexOf(' ');
  const targetEnd = line.indexOf(' ', methodEnd + 1);
  const method = line.slice(0, methodEnd);
  const target = line.slice(methodEnd + 1, targetEnd);
  const version = line.slice(targetEnd + 1);
  const isUsual = version === 'HTTP/1.1' && TOKEN.test(method) && TARGET.test(target);
  const protocol = isUsual ? version : examine(line);
  return { method, target, targetForm: parseTarget(method, target), protocol };
}

/** Gives the version of an unusual line, or throws its fault. */
function examine(line: string): HttpVersion {
  const forbidden = findForbiddenOctet(line, NOT_REQUEST_LINE_OCTET);
  if (forbidden !== undefined) throw forbidden;
  const [method = '', target = '', version = '', ...rest] = line.split(' ');
  const match = VERSION.exec(version);
  if (target === '' || match === null || rest.length > 0) {
    throw new ProtocolError('WSGI_ERR_REQUEST_LINE_INVALID', quote(line));
  }
  if (!TOKEN.test(method)) throw new ProtocolError('WSGI_ERR_METHOD_INVALID', quote(method));
  // RFC 9110 §2.5: a higher minor version is read as our highest; another major version is another protocol.
  const [, major, minor] = match;
  if (major !== '1') throw new ProtocolError('WSGI_ERR_VERSION_UNSUPPORTED', version);
  if (!TARGET.test(target)) throw new ProtocolError('WSGI_ERR_TARGET_INVALID', quote(target));
  return minor === '0' ? 'HTTP/1.0' : 'HTTP/1.1';
}

function parseTarget(method: string, target: string): TargetForm {
  // RFC 9112 §3.2.3: CONNECT has authority-form only, and no other method has it.
  if (method === 'CONNECT') {
    const authority = parseAuthority(target);
    if (!authority?.host || !authority.port)
      throw new ProtocolError('WSGI_ERR_TARGET_INVALID', quote(target));
    return 'authority';
  }
  if (target.startsWith('/')) return 'origin';
  // RFC 9112 §3.2.4: asterisk-form is for OPTIONS only.
  if (target === '*' && method === 'OPTIONS') return 'asterisk';
  // RFC 9110 §4.2.1, §4.2.4: an http URI must have a host and no userinfo, which parseAuthority refuses.
  const match = ABSOLUTE_FORM.exec(target);
  if (match === null || !parseAuthority(match[1] ?? '')?.host) {
    throw new ProtocolError('WSGI_ERR_TARGET_INVALID', quote(target));
  }
  return 'absolute';
}
