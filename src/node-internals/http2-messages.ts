/** Messages of node:http2's compatibility API: they have a `stream` (since Node 8; checked on 20 to 26). */

/**
 * Tells if a message belongs to the compatibility API of node:http2. The version alone does not: node:http accepts a request
 * line that says `HTTP/2.0`, and a wrapped program's messages have the version of their host.
 *
 * @param message A request or a response
 * @param versionMajor `httpVersionMajor` of the request
 */
export function isHttp2Message(message: object, versionMajor: number): boolean {
  return versionMajor === 2 && 'stream' in message;
}

/** Tells if an HTTP/2 request ended with its head, so that it has no content (RFC 9113 §8.1). */
export function endsAfterHead({ stream }: Http2Request): boolean {
  return stream?.endAfterHeaders === true;
}

/**
 * Tells if the stream of an HTTP/2 request was closed without an error: at its end, or after the response if nobody
 * reads the content. The request's `close` comes before its `end` (Node 20 to 26).
 */
export function isClosedInOrder({ stream, aborted }: Http2Request): boolean {
  return stream?.rstCode === 0 && aborted !== true;
}

/** The members used of a request, which may also be one of node:http. */
interface Http2Request {
  readonly aborted?: boolean;
  readonly stream?: { readonly endAfterHeaders?: boolean; readonly rstCode?: number };
}
