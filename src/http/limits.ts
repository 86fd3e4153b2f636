/**
 * Limits: how much of a message is taken before its sender is refused.
 *
 * Each default stands beside its precedents. A limit counts octets as they are on the wire, line ends included,
 * and is checked before the octets beyond it are kept.
 */

/** What a {@link RequestParser} accepts. */
export interface HttpLimits {
  /** Octets of the request line (beyond: 414), and separately of the field section (beyond: 431). */
  maxHeaderSize: number;
  /** Field lines in a head, and separately in a trailer section (beyond: 431). */
  maxHeadersCount: number;
  /** Octets of content, chunked coding taken off (beyond: 413). */
  maxBodySize: number;
  /** Octets of chunk extensions in all chunks of a message together (beyond: 413). */
  maxChunkExtensionSize: number;
  /** Octets of a trailer section (beyond: 431). */
  maxTrailerSize: number;
  /** Whether an HTTP/1.1 request without Host is refused (RFC 9112 §3.2). */
  requireHostHeader: boolean;
  /** Whether CONNECT is accepted; else 501. */
  allowConnect: boolean;
}

/** The defaults of {@link HttpLimits}. */
export const DEFAULT_LIMITS: Readonly<HttpLimits> = Object.freeze({
  // node:http 16 KiB for both together, nginx 8 KiB for a line, gunicorn 4,094 and 8,190 octets a line.
  maxHeaderSize: 16_384,
  // gunicorn 100; node:http 2,000, and drops the rest without a word.
  maxHeadersCount: 100,
  // waitress 1 GiB, nginx 1 MiB; node:http and gunicorn have none.
  maxBodySize: 1_073_741_824,
  // node:http 16 KiB, but for each chunk anew (CVE-2024-22019 was the time before it).
  maxChunkExtensionSize: 16_384,
  // node:http counts trailers with the head: 16 KiB.
  maxTrailerSize: 16_384,
  requireHostHeader: true,
  allowConnect: false,
});
