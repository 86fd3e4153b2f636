/**
 * Which fields must not stand in a trailer section, of requests and of responses.
 *
 * RFC 9110 §6.5.1: a field that is needed before the content is read, to frame, route, authenticate, condition,
 * negotiate or interpret the message, is of no use after it, or does harm.
 */

const FORBIDDEN = new Set([
  // Framing and the connection.
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Routing.
  'forwarded',
  'host',
  'max-forwards',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  // Authentication, and state that stands for it.
  'authorization',
  'cookie',
  'proxy-authenticate',
  'proxy-authorization',
  'set-cookie',
  'www-authenticate',
  // Request modifiers: conditions, expectations, preferences.
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'expect',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'pragma',
  'range',
  // Response control data.
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  'warning',
  // How to process the content.
  'content-encoding',
  'content-range',
  'content-type',
]);

/**
 * Tells whether a field must not stand in a trailer section.
 *
 * @param name In any case
 */
export function isForbiddenTrailer(name: string): boolean {
  return FORBIDDEN.has(name.toLowerCase());
}
