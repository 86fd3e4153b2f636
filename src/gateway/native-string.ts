/**
 * Native strings: PEP 3333's "bytes as latin-1", the text they stand for, and percent-encoding.
 *
 * A native string has one code unit, U+0000 to U+00FF, for each octet. Paths and fields of an environ are
 * native strings, because a client may send octets that are no UTF-8 and an application must see them.
 *
 * Rule 1: percent-encoding stands for octets (RFC 3986 §2.1). `decodeURIComponent` decodes UTF-8 on top and throws
 *         on `%80`, so nothing here uses it.
 * Rule 2: `Buffer`'s latin1 is ISO 8859-1; the `latin1` of `TextDecoder` is windows-1252 and changes 0x80 to 0x9F.
 */
import { decodeLatin1, decodeUtf8, encodeLatin1, encodeUtf8 } from './platform.ts';

const ESCAPE = /%[0-9A-Fa-f]{2}/g;

const ABOVE_OCTET = /[^\0-\xff]/;

/** unreserved (RFC 3986 §2.3), and the `/` between segments. */
const QUOTABLE = /[^A-Za-z0-9\-._~/]/g;

/** What pchar allows besides unreserved (RFC 3986 §3.3). */
const PATH_DELIMITERS = "!$&'()*+,;=:@";

/**
 * Decodes the percent-encoding of a path to octets, as a native string.
 *
 * What is no valid escape stays as it is. A path without `%` is returned as the same string.
 *
 * @param path A path, or any part of a request target
 * @example
 * decodePath('/caf%C3%A9'); // '/caf\xc3\xa9'
 * decodePath('/100%'); // '/100%'
 */
export function decodePath(path: string): string {
  return path.includes('%') ? path.replace(ESCAPE, decodeEscape) : path;
}

/**
 * Percent-encodes a path, octet by octet.
 *
 * @param path A native string
 * @param safe Characters to leave alone besides letters, digits and `-._~/`; by default all that a path may contain
 * @throws RangeError if a character stands for no octet
 * @example
 * quotePath('/caf\xc3\xa9 au lait;c=1'); // '/caf%C3%A9%20au%20lait;c=1'
 */
export function quotePath(path: string, safe: string = PATH_DELIMITERS): string {
  assertNative(path);
  return path.replace(QUOTABLE, (octet) => (safe.includes(octet) ? octet : encodeOctet(octet)));
}

/**
 * Makes a native string of text: its UTF-8, one code unit for each octet.
 *
 * @example
 * encodeNative('/café'); // '/caf\xc3\xa9'
 */
export function encodeNative(text: string): string {
  return decodeLatin1(encodeUtf8(text));
}

/**
 * Reads a native string as UTF-8 text. Octets that are no UTF-8 become U+FFFD.
 *
 * @throws RangeError if a character stands for no octet: the string is text already
 * @example
 * decodeNative('/caf\xc3\xa9'); // '/café'
 */
export function decodeNative(native: string): string {
  assertNative(native);
  return decodeUtf8(encodeLatin1(native));
}

function decodeEscape(triplet: string): string {
  return String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
}

function encodeOctet(octet: string): string {
  return `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** `Buffer.from('\u010a', 'latin1')` is the octet 0A: what is no native string must not get that far. */
function assertNative(value: string): void {
  if (ABOVE_OCTET.test(value)) {
    throw new RangeError('Expected a native string, got a character above U+00FF');
  }
}
