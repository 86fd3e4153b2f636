/**
 * Header fields as an application gives them: the grammar of a name and of a value, and who owns a name.
 *
 * Rule 1: everything here works on native strings and knows no octets and no framing.
 * Rule 2: the predicates run on every response; they take linear time and allocate nothing in the usual case.
 */

/** token = 1*tchar (RFC 9110 §5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What RFC 9110 §5.5 keeps out of a field value: control characters but HTAB, and what is no octet. */
const NOT_FIELD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * RFC 2616 §13.5.1, which PEP 3333 cites, and what RFC 9110 §7.6.1 adds to it. `Trailers` is the name by which
 * RFC 2616 (and wsgiref) mean `Trailer`; both are refused.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
]);

/** One bit for each length that a name of the set has: most names are told apart without being lower-cased. */
const HOP_BY_HOP_LENGTHS = [...HOP_BY_HOP].reduce((bits, name) => bits | (1 << name.length), 0);

/**
 * Tells whether a string may be a field name.
 *
 * @example
 * isToken('Content-Type'); // true
 * isToken('Content Type'); // false
 */
export function isToken(name: string): boolean {
  return TOKEN.test(name);
}

/**
 * Tells whether a string may be sent as a field value.
 *
 * Whitespace around the value passes: it is no part of the value, and every recipient strips it (RFC 9110 §5.5).
 *
 * @example
 * isFieldValue('text/plain'); // true
 * isFieldValue('a\r\nSet-Cookie: b'); // false
 */
export function isFieldValue(value: string): boolean {
  return !NOT_FIELD_VALUE.test(value);
}

/**
 * Tells whether a field belongs to the connection and so to the gateway, in any letter case.
 *
 * @example
 * isHopByHop('Transfer-Encoding'); // true
 * isHopByHop('Content-Length'); // false
 */
export function isHopByHop(name: string): boolean {
  if (name.length > 19 || ((HOP_BY_HOP_LENGTHS >> name.length) & 1) === 0) {
    return false;
  }
  return HOP_BY_HOP.has(name) || HOP_BY_HOP.has(name.toLowerCase());
}
