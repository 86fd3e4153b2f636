/**
 * The request line: method SP request-target SP HTTP-version (RFC 9112 §3).
 *
 * Rule 1: exactly this. The RFC lets a recipient split on any whitespace; those who do read other requests than
 *         those who do not.
 * Rule 2: a line is judged from left to right: octets, parts, method, version, target.
 */
import { ProtocolError } from '../errors.ts';
import { parseAuthority } from './authority.ts';
import {
  findForbiddenOctet,
  NOT_REQUEST_LINE_OCTET,
  type ProtocolErrorCode,
  quote,
  TOKEN,
} from './grammar.ts';

/** The form of a request target (RFC 9112 §3.2.1 to §3.2.4). */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';

/** A version that is spoken here: every HTTP/1.x above 1.0 is read as 1.1. */
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

/** VCHAR but "#": a fragment is never sent, and those who cut it off see another path (CVE-2023-45539). */
const TARGET = /^[\x21\x22\x24-\x7e]+$/;

/** The scheme and the authority of absolute-form; what follows is path or query (RFC 9110 §4.2.1, §4.2.2). */
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
  if (methodEnd === -1 || targetEnd === -1 || version.includes(' ') || !TARGET.test(target)) {
    throw lineFault(line, target === '' ? 'WSGI_ERR_REQUEST_LINE_INVALID' : faultOfParts(line));
  }
  if (!TOKEN.test(method)) throw lineFault(line, 'WSGI_ERR_METHOD_INVALID');
  const protocol = version === 'HTTP/1.1' ? version : parseVersion(line, version);
  return { method, target, targetForm: parseTarget(method, target), protocol };
}

/** Whether a line has too few or too many parts, or three of which the target is wrong. */
function faultOfParts(line: string): ProtocolErrorCode {
  return line.split(' ').length === 3 ? 'WSGI_ERR_TARGET_INVALID' : 'WSGI_ERR_REQUEST_LINE_INVALID';
}

function lineFault(line: string, code: ProtocolErrorCode): ProtocolError {
  return findForbiddenOctet(line, NOT_REQUEST_LINE_OCTET) ?? new ProtocolError(code, quote(line));
}

function parseVersion(line: string, version: string): HttpVersion {
  const match = VERSION.exec(version);
  if (match === null) throw lineFault(line, 'WSGI_ERR_REQUEST_LINE_INVALID');
  // RFC 9110 §2.5: a minor version above ours is read as the highest that we know; another major is another language.
  const [, major, minor] = match;
  if (major !== '1') throw new ProtocolError('WSGI_ERR_VERSION_UNSUPPORTED', version);
  return minor === '0' ? 'HTTP/1.0' : 'HTTP/1.1';
}

function parseTarget(method: string, target: string): TargetForm {
  // RFC 9112 §3.2.3: authority-form is for CONNECT, and CONNECT has no other.
  if (method === 'CONNECT') {
    const authority = parseAuthority(target);
    if (!authority?.host || !authority.port)
      throw new ProtocolError('WSGI_ERR_TARGET_INVALID', quote(target));
    return 'authority';
  }
  if (target.startsWith('/')) return 'origin';
  // RFC 9112 §3.2.4: asterisk-form is for OPTIONS.
  if (target === '*' && method === 'OPTIONS') return 'asterisk';
  // RFC 9110 §4.2.1, §4.2.4: an http URI without a host is invalid, and so is userinfo, which parseAuthority refuses.
  const match = ABSOLUTE_FORM.exec(target);
  if (match === null || !parseAuthority(match[1] ?? '')?.host) {
    throw new ProtocolError('WSGI_ERR_TARGET_INVALID', quote(target));
  }
  return 'absolute';
}
