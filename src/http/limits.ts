/**
 * Limits: how much of a message is taken before its sender is refused.
 *
 * Each default stands beside its precedents. A limit is checked before the octets beyond it are kept. The rows are those of
 * an option table (src/gateway/option-table.ts): the server adds them to its own settings.
 */

/** The limits of a {@link RequestParser}, as settings of a server. */
export const LIMITS = {
  // node:http 16 KiB, nginx 8 KiB for a line, gunicorn 4,094 and 8,190 octets a line.
  /** A request line may have this many octets (414), and a field section as many (431). node:http counts both together. */
  maxHeaderSize: { type: 'octets', default: 16_384 },
  // gunicorn 100. node:http about 1,000, of trailers again: Node 20 drops the rest, Node 24 and 26 refuse it.
  /** A request may have this many fields, and a trailer section as many (431); 0 means any number. As in gunicorn. */
  maxHeadersCount: { type: 'count', default: 100 },
  // waitress 1 GiB, nginx 1 MiB; node:http and gunicorn have none.
  /** The content of a request may have this many octets, without its chunked coding (413). As in waitress. */
  maxBodySize: { type: 'octets', default: 1_073_741_824 },
  // node:http 16 KiB for each chunk; before CVE-2024-22019 it had no limit.
  /** All chunk extensions of a request may have this many octets (413). node:http has the same limit for each chunk. */
  maxChunkExtensionSize: { type: 'octets', default: 16_384 },
  // node:http 16 KiB; it counts trailers apart from the head (Node 20 to 26).
  /** A trailer section may have this many octets (431). In node:http `maxHeaderSize` limits trailers too. */
  maxTrailerSize: { type: 'octets', default: 16_384 },
  /** Refuses an HTTP/1.1 request without Host (400; RFC 9112 §3.2). */
  requireHostHeader: { type: 'boolean', default: true },
} as const;

type Limits = typeof LIMITS;

/** The limits that a {@link RequestParser} obeys. They do not change during its life. */
export type HttpLimits = {
  readonly [Name in keyof Limits]: Limits[Name]['default'] extends number ? number : boolean;
} & {
  /** Accepts CONNECT; otherwise 501. */
  readonly allowConnect: boolean;
};

/**
 * Makes the limits of a parser.
 *
 * @param settings Values for the rows of the table; its defaults where they are left out
 * @param allowConnect Somebody answers CONNECT
 */
export function toHttpLimits(settings: Partial<HttpLimits>, allowConnect: boolean): HttpLimits {
  const limits: Record<string, number | boolean> = {};
  // In the order of the table, so that the limits of all connections have the same shape.
  for (const name of NAMES) limits[name] = settings[name] ?? LIMITS[name].default;
  if (limits.maxHeadersCount === 0) limits.maxHeadersCount = Number.POSITIVE_INFINITY;
  limits.allowConnect = allowConnect;
  // The loop has given it every member.
  return limits as HttpLimits;
}

// Object.keys gives strings; these are the keys of the very table.
const NAMES = Object.keys(LIMITS) as (keyof Limits)[];

/** The defaults of {@link HttpLimits}. */
export const DEFAULT_LIMITS: HttpLimits = Object.freeze(toHttpLimits({}, false));
