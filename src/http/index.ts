/** HTTP/1.1 without I/O: parses requests, frames and formats responses (RFC 9110, RFC 9112). And the PROXY protocol. */
export { isAuthority } from './authority.ts';
export { isForbiddenTrailer } from './forbidden-trailers.ts';
export { quote, TOKEN } from './grammar.ts';
export { DEFAULT_LIMITS, type HttpLimits, LIMITS, toHttpLimits } from './limits.ts';
export type { ProxyHeader } from './proxy-protocol/header.ts';
export { readProxyHeader } from './proxy-protocol/read-header.ts';
export type { RequestHead } from './request-head.ts';
export { TARGET } from './request-line.ts';
export { RequestParser } from './request-parser.ts';
export { formatChunkHead, formatResponseHead, formatTrailers, LAST_CHUNK } from './response-format.ts';
export { decideResponseFraming, type ResponseFraming } from './response-framing.ts';
