/**
 * Request framing: decides how many octets of content follow a head.
 *
 * Rule 1: this file only decides; it reads no content.
 * Rule 2: the decision follows the cases of RFC 9112 §6.3 for requests, in order.
 * Rule 3: fields that two recipients could read differently are refused, not repaired.
 */
import { ProtocolError } from '../errors.ts';
import { quote } from './grammar.ts';
import type { HttpVersion } from './request-line.ts';

/** The `contentLength` of chunked content, whose length is unknown. */
export const CHUNKED = -1;

/** 1*DIGIT (RFC 9110 §8.6): no sign, no list, no space. */
const DIGITS = /^[0-9]+$/;

/** transfer-coding = token *( OWS ";" OWS transfer-parameter ): one element of a list (RFC 9112 §7). */
const CODING =
  /[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)((?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))*)[ \t]*(?:,|$)/y;

/** The parts of a head that frame its content. */
export interface FramingFields {
  readonly protocol: HttpVersion;
  readonly contentLength: string | undefined;
  /** All lines, joined. */
  readonly transferEncoding: string | undefined;
}

/**
 * Decides how many octets of content follow a request head.
 *
 * @returns the number, or {@link CHUNKED}
 * @throws {@link ProtocolError}
 */
export function decideRequestFraming(fields: FramingFields, maxBodySize: number): number {
  const { protocol, contentLength, transferEncoding } = fields;
  if (transferEncoding !== undefined) {
    // §6.1: HTTP/1.0 has no transfer codings; a sender of one has forwarded a field that it did not understand.
    if (protocol === 'HTTP/1.0') {
      throw new ProtocolError('WSGI_ERR_FRAMING_AMBIGUOUS', 'Transfer-Encoding in HTTP/1.0');
    }
    // §6.3 case 3: Transfer-Encoding overrides Content-Length, or both are an error; here they are an error.
    if (contentLength !== undefined) {
      throw new ProtocolError('WSGI_ERR_FRAMING_AMBIGUOUS', 'Content-Length beside Transfer-Encoding');
    }
    // §6.3 case 4: chunked must be the final coding; here it must be the only one.
    if (transferEncoding.toLowerCase() !== 'chunked') throw codingFault(transferEncoding);
    return CHUNKED;
  }
  // §6.3 cases 5 and 6: a valid Content-Length is the number of octets.
  if (contentLength !== undefined) return parseContentLength(contentLength, maxBodySize);
  // §6.3 case 7: a request without either field has no content.
  return 0;
}

/**
 * Checks that content may have `size` more octets.
 *
 * The limit is at most 2^53 - 1: greater numbers are not exact, and content of Infinity has no end (RFC 9110 §8.6,
 * RFC 9112 §7.1). Compares before adding, so that no sum can overflow (CVE-2013-2028).
 *
 * @param size Infinity if it has too many digits
 * @param given Octets that the content had before
 * @throws {@link ProtocolError}
 */
export function checkContentSize(size: number, given: number, maxBodySize: number): void {
  const limit = Math.min(maxBodySize, Number.MAX_SAFE_INTEGER);
  // Negated, so that a limit of NaN refuses all content.
  if (!(size <= limit - given)) throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', limit);
}

function parseContentLength(value: string, maxBodySize: number): number {
  if (!DIGITS.test(value)) throw new ProtocolError('WSGI_ERR_LENGTH_INVALID', quote(value));
  const length = Number(value);
  checkContentSize(length, 0, maxBodySize);
  return length;
}

/** §6.1: 501 for unknown codings; §6.3: 400 if the end of the content cannot be found. */
function codingFault(value: string): ProtocolError {
  const names = parseCodings(value);
  const isFramed = names?.at(-1) === 'chunked' && names.indexOf('chunked') === names.length - 1;
  return new ProtocolError(
    isFramed ? 'WSGI_ERR_CODING_UNSUPPORTED' : 'WSGI_ERR_CODING_INVALID',
    quote(value),
  );
}

/** Splits a list of codings, with parameters, in lower case; undefined if it is malformed or has empty elements. */
function parseCodings(value: string): string[] | undefined {
  if (value.endsWith(',')) return undefined;
  const names: string[] = [];
  CODING.lastIndex = 0;
  while (CODING.lastIndex < value.length) {
    const match = CODING.exec(value);
    if (match === null) return undefined;
    names.push(`${match[1]}${match[2]}`.toLowerCase());
  }
  return names;
}
