/**
 * The options of HTTP/2, as a table. They have node:http2's names where it has them; session-options.ts passes them on.
 *
 * What the other limits and time-outs mean for a session and its streams is in docs/http2.md.
 */

/** The options of HTTP/2. They cannot change once the server is made. */
export const HTTP2_OPTIONS = {
  /**
   * Speaks HTTP/2 besides HTTP/1.1. Over TLS the client chooses (ALPN); without it a connection that begins with the preface of
   * HTTP/2 speaks it.
   */
  http2: { type: 'boolean', default: false },
  // nginx 128, Apache 100, Go 250; node:http2 has no limit. RFC 9113 §6.5.2 recommends 100 or more.
  /**
   * A client may have this many streams open at once; and applications may still work for this many streams that it has reset.
   * Further streams are refused, and the client may try them again.
   */
  maxConcurrentStreams: { type: 'count', default: 128, least: 1, most: 2_147_483_647 },
  /** A client may send this many octets of content before the application reads, on each stream. The default is RFC 9113's. */
  initialWindowSize: { type: 'octets', default: 65_535, least: 1, most: 2_147_483_647 },
  /** A session may use about this many megabytes; then it takes no further stream. The default is node:http2's. */
  maxSessionMemory: { type: 'count', default: 10, least: 1 },
  /**
   * A stream with more fields than this is reset, with those that begin with a colon; up to here, more than `maxHeadersCount`
   * get a 431. The default is node:http2's.
   */
  maxHeaderListPairs: { type: 'count', default: 128, least: 4 },
  /** As in node:http2: streams that this side may open. The server opens none, so it has no effect. */
  peerMaxConcurrentStreams: { type: 'count', default: 100 },
  /**
   * A session may have this many streams at once that end by a reset, by the client or for a fault of the client. More end the
   * session (CVE-2023-44487, CVE-2025-8671). The default is node:http2's; on Node 20 its own limit of 1,000 holds besides.
   */
  streamResetBurst: { type: 'count', default: 1_000, least: 1 },
  /** And this many more with every second. The default is node:http2's. */
  streamResetRate: { type: 'count', default: 33, least: 1 },
  /** More frames that are no HTTP/2 end the session. The default is node:http2's. */
  maxSessionInvalidFrames: { type: 'count', default: 1_000, most: 4_294_967_295 },
  /** More streams that are refused end the session. The default is node:http2's. */
  maxSessionRejectedStreams: { type: 'count', default: 100, most: 4_294_967_295 },
} as const;
