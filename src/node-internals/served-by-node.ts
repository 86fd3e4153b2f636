/** Finds sockets of node's own HTTP server: it sets `parser` on each (since Node 0.4; checked on 20 to 26). */

/**
 * Tells if node's own server reads requests from a socket.
 *
 * @param socket A host's socket; undefined if the host shows none
 */
export function isServedByNode(socket: object | undefined): boolean {
  return socket !== undefined && 'parser' in socket;
}
