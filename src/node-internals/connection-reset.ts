/** Finds connections that node can reset, so that their end cannot pass for that of a response (RFC 9112 §8). */

/**
 * Tells if node can reset a connection (`resetAndDestroy`, since Node 18.3): plain TCP, but not TLS or a unix socket.
 *
 * @param socket That of a response: null, node's, or a stand-in, which cannot be reset
 */
export function canReset(socket: object | null): boolean {
  if (socket === null || !('resetAndDestroy' in socket) || 'encrypted' in socket) return false;
  return 'remoteAddress' in socket && socket.remoteAddress !== undefined;
}
