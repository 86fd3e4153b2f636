/**
 * Grammar: the productions of RFC 9110 §5.6 that the other files share, and what a fault in a line is called.
 *
 * Rule 1: every pattern takes linear time: no two repetitions that can match the same octet stand side by side.
 * Rule 2: strings are native strings, one code unit for each octet.
 */
import { ProtocolError } from '../errors.ts';

/** A code that blames the client. */
export type ProtocolErrorCode = ConstructorParameters<typeof ProtocolError>[0];

/** token = 1*tchar (RFC 9110 §5.6.2). */
export const TOKEN: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What must not stand in a line of fields, chunk sizes or trailers: all but HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5). */
export const NOT_FIELD_OCTET: RegExp = /[^\t\x20-\x7e\x80-\xff]/;

/** What must not stand in a request line: all but SP and VCHAR (RFC 9112 §3). */
export const NOT_REQUEST_LINE_OCTET: RegExp = /[^\x20-\x7e]/;

const SPACE = 0x20;
const TAB = 0x09;

/** Cuts a string, without the whitespace on both sides: OWS = *( SP / HTAB ) (RFC 9110 §5.6.3). */
export function sliceTrimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isWhitespace(text.charCodeAt(start))) start += 1;
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isWhitespace(octet: number): boolean {
  return octet === SPACE || octet === TAB;
}

/** Gives the elements of `#element`; empty ones are ignored (RFC 9110 §5.6.1.2). */
export function splitList(value: string): string[] {
  return value
    .split(',')
    .map((element) => sliceTrimmed(element, 0, element.length))
    .filter((element) => element !== '');
}

/**
 * Finds the first octet that must not stand in a line.
 *
 * @param forbidden NOT_FIELD_OCTET or NOT_REQUEST_LINE_OCTET
 * @returns the error to throw, nothing if there is no such octet
 */
export function findForbiddenOctet(line: string, forbidden: RegExp): ProtocolError | undefined {
  const octet = forbidden.exec(line)?.[0];
  if (octet === undefined) return undefined;
  // RFC 9112 §2.2: a bare CR is invalid; a bare LF may be taken for a line end, which is how requests are smuggled.
  if (octet === '\r' || octet === '\n') return new ProtocolError('WSGI_ERR_LINE_END_INVALID');
  return new ProtocolError('WSGI_ERR_OCTET_FORBIDDEN', quote(octet));
}

/** Shows octets in a message: short, and without control characters. */
export function quote(octets: string): string {
  return JSON.stringify(octets.length > 40 ? `${octets.slice(0, 40)}…` : octets);
}
