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
