/**
 * Converts native strings of PEP 3333 to text and back, and encodes and decodes percent-encoding.
 *
 * A native string has one code unit, U+0000 to U+00FF, for each octet. Paths and fields of an environ are native
 * strings, because a client may send octets that are not UTF-8, and the application must get them unchanged.
 *
 * Rule 1: percent-encoding encodes octets (RFC 3986 §2.1). Do not use `decodeURIComponent`: it also decodes UTF-8 and
 *         throws for `%80`.
 * Rule 2: use `Buffer`'s latin1, which is ISO 8859-1. The `latin1` of `TextDecoder` is windows-1252.
 */
import { decodeLatin1, decodeUtf8, encodeLatin1, encodeUtf8 } from './platform.ts';

const ESCAPE = /%[0-9A-Fa-f]{2}/g;

/** Half a character: UTF-8 cannot encode it. */
export const LONE_SURROGATE: RegExp = /\p{Surrogate}/u;

/** A code unit above U+00FF, which no native string has. */
export const ABOVE_OCTET: RegExp = /[^\0-\xff]/;

/** A character other than unreserved (RFC 3986 §2.3) and `/`. */
const QUOTABLE = /[^A-Za-z0-9\-._~/]/g;

/** The characters of pchar that are not unreserved (RFC 3986 §3.3). */
const PATH_DELIMITERS = "!$&'()*+,;=:@";

/**
 * Decodes the percent-encoding of a path to octets, as a native string. An invalid escape is kept as it is.
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
 * @param safe Characters to keep besides letters, digits and `-._~/`; by default all that a path may contain
 * @throws RangeError if a character is above U+00FF
 * @example
 * quotePath('/caf\xc3\xa9 au lait;c=1'); // '/caf%C3%A9%20au%20lait;c=1'
 */
export function quotePath(path: string, safe: string = PATH_DELIMITERS): string {
  assertNative(path);
  return path.replace(QUOTABLE, (octet) => (safe.includes(octet) ? octet : encodeOctet(octet)));
}

/**
 * Encodes text as UTF-8, and gives the octets as a native string.
 *
 * @throws RangeError if there is a lone surrogate, which UTF-8 cannot encode
 * @example
 * encodeNative('/café'); // '/caf\xc3\xa9'
 */
export function encodeNative(text: string): string {
  if (LONE_SURROGATE.test(text)) throw new RangeError('Expected text, got a string with a lone surrogate');
  return decodeLatin1(encodeUtf8(text));
}

/**
 * Decodes a native string as UTF-8 to text. Invalid octets become U+FFFD.
 *
 * @throws RangeError if a character is above U+00FF: the string is already text
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

/** Refuses text: `Buffer.from('\u010a', 'latin1')` would give the octet 0A without an error. */
function assertNative(value: string): void {
  if (ABOVE_OCTET.test(value)) {
    throw new RangeError('Expected a native string, got a character above U+00FF');
  }
}
