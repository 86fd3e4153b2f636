/**
 * Response framing: decides how the end of a response's content is marked.
 *
 * Rule 1: this file only decides; fields are written elsewhere.
 * Rule 2: the decision follows RFC 9112 §6.3 from the sender's side; each `if` is one of its cases.
 */
import type { HttpVersion } from './request-line.ts';

/** How a response ends: with its head, after Content-Length octets, with the last chunk, or with the connection. */
export type ResponseFraming = 'none' | 'length' | 'chunked' | 'close';

/** The facts that decide the framing of a response. */
export interface ResponseFacts {
  readonly requestProtocol: HttpVersion;
  /** The response has no content, whatever its headers say: to HEAD, or 1xx, 204, 304. */
  readonly isBodiless: boolean;
  readonly contentLength: number | undefined;
  /** The sender allows chunks. @default true */
  readonly mayBeChunked?: boolean | undefined;
}

/** Decides the framing of a response. */
export function decideResponseFraming(facts: ResponseFacts): ResponseFraming {
  // Case 1: responses to HEAD, 1xx, 204 and 304 end with their head.
  if (facts.isBodiless) return 'none';
  // Case 6, before case 4: a known length tells the recipient how much will come.
  if (facts.contentLength !== undefined) return 'length';
  // Case 4: chunked, but never to a client that does not know it (§6.1).
  if (facts.requestProtocol === 'HTTP/1.1' && facts.mayBeChunked !== false) return 'chunked';
  // Case 8: until the connection closes.
  return 'close';
}
