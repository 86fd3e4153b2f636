/** Which connections can be ended so that their end cannot pass for the end of a response (RFC 9112 §8). */

/**
 * Tells whether node can reset a connection: plain TCP it can, TLS it cannot, and a unix socket has nothing of the kind.
 *
 * @param socket What a response has for a socket: nothing, node's, or a stand-in, which cannot be reset
 */
export function canReset(socket: object | null): boolean {
  if (socket === null || !('resetAndDestroy' in socket) || 'encrypted' in socket) return false;
  return 'remoteAddress' in socket && socket.remoteAddress !== undefined;
}
