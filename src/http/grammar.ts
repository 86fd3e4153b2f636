/**
 * Grammar: productions of RFC 9110 §5.6 that the other files share, and the errors for forbidden octets.
 *
 * Rule 1: every pattern takes linear time: no two adjacent repetitions match the same octet.
 * Rule 2: strings are native strings, one code unit per octet.
 */
import { ProtocolError } from '../errors.ts';

/** The code of a ProtocolError. */
export type ProtocolErrorCode = ConstructorParameters<typeof ProtocolError>[0];

/** token = 1*tchar (RFC 9110 §5.6.2). */
export const TOKEN: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Octets forbidden in field, chunk and trailer lines: all but HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5). */
export const NOT_FIELD_OCTET: RegExp = /[^\t\x20-\x7e\x80-\xff]/;

/** Octets forbidden in a request line: all but SP and VCHAR (RFC 9112 §3). */
export const NOT_REQUEST_LINE_OCTET: RegExp = /[^\x20-\x7e]/;

const SPACE = 0x20;
const TAB = 0x09;

/** Slices a string and trims OWS = *( SP / HTAB ) on both sides (RFC 9110 §5.6.3). */
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

/** Splits `#element` into its elements; ignores empty ones (RFC 9110 §5.6.1.2). */
export function splitList(value: string): string[] {
  return value
    .split(',')
    .map((element) => sliceTrimmed(element, 0, element.length))
    .filter((element) => element !== '');
}

/**
 * Finds the first forbidden octet of a line.
 *
 * @param forbidden NOT_FIELD_OCTET or NOT_REQUEST_LINE_OCTET
 * @returns the error to throw; undefined if there is no such octet
 */
export function findForbiddenOctet(line: string, forbidden: RegExp): ProtocolError | undefined {
  const octet = forbidden.exec(line)?.[0];
  if (octet === undefined) return undefined;
  // RFC 9112 §2.2: a bare CR is invalid. Some recipients take a bare LF for a line end, which smuggles requests.
  if (octet === '\r' || octet === '\n') return new ProtocolError('WSGI_ERR_LINE_END_INVALID');
  return new ProtocolError('WSGI_ERR_OCTET_FORBIDDEN', quote(octet));
}

/** The control characters that JSON.stringify leaves as they are. They would control a terminal that shows a log. */
const UNESCAPED_CONTROL = /[\x7f-\x9f]/g;

/** Quotes octets for a message: at most 40, control characters escaped. */
export function quote(octets: string): string {
  const json = JSON.stringify(octets.length > 40 ? `${octets.slice(0, 40)}…` : octets);
  return json.replace(UNESCAPED_CONTROL, (octet) => `\\u00${octet.charCodeAt(0).toString(16)}`);
}
