/**
 * Fields that a trailer section must not have, in requests and in responses.
 *
 * RFC 9110 §6.5.1: fields that frame, route, authenticate, condition, negotiate or interpret the message are needed
 * before its content. After it they are useless or harmful.
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
  // Authentication and cookies.
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
 * Tells if a trailer section must not have a field.
 *
 * @param name In any case
 */
export function isForbiddenTrailer(name: string): boolean {
  return FORBIDDEN.has(name.toLowerCase());
}
