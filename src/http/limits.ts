/**
 * Limits: how much of a message is accepted before its sender is refused.
 *
 * The size of a line or section includes its line ends. A limit is checked before the octets beyond it are kept. The
 * comment on each default names those of other servers.
 */

/** Limits of a {@link RequestParser}. */
export interface HttpLimits {
  /** Octets of the request line (beyond: 414), and separately of the field section (beyond: 431). */
  maxHeaderSize: number;
  /** Field lines in a head, and separately in a trailer section (beyond: 431). */
  maxHeadersCount: number;
  /** Octets of content, without chunked coding (beyond: 413). */
  maxBodySize: number;
  /** Octets of the chunk extensions of a message, in sum (beyond: 413). */
  maxChunkExtensionSize: number;
  /** Octets of a trailer section (beyond: 431). */
  maxTrailerSize: number;
  /** Refuses an HTTP/1.1 request without Host (RFC 9112 §3.2). */
  requireHostHeader: boolean;
  /** Accepts CONNECT; otherwise 501. */
  allowConnect: boolean;
}

/** The defaults of {@link HttpLimits}. */
export const DEFAULT_LIMITS: Readonly<HttpLimits> = Object.freeze({
  // node:http 16 KiB for both together, nginx 8 KiB a line, gunicorn 4,094 octets a request line, 8,190 a field.
  maxHeaderSize: 16_384,
  // gunicorn 100; node:http 2,000, and silently drops the rest.
  maxHeadersCount: 100,
  // waitress 1 GiB, nginx 1 MiB; node:http and gunicorn no limit.
  maxBodySize: 1_073_741_824,
  // node:http 16 KiB for each chunk, no limit before CVE-2024-22019.
  maxChunkExtensionSize: 16_384,
  // node:http 16 KiB, together with the head.
  maxTrailerSize: 16_384,
  requireHostHeader: true,
  allowConnect: false,
});
