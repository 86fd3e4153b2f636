/** Connections whose end cannot pass for the end of a response (RFC 9112 §8), because node can reset them. */

/**
 * Tells if node can reset a connection (`resetAndDestroy`, since Node 18.3): it can with plain TCP, but not with TLS or a
 * unix socket.
 *
 * @param socket The socket of a response: null, node's, or a stand-in, which cannot be reset
 */
export function canReset(socket: object | null): boolean {
  if (socket === null || !('resetAndDestroy' in socket) || 'encrypted' in socket) return false;
  return 'remoteAddress' in socket && socket.remoteAddress !== undefined;
}
