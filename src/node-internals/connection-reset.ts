/** Finds connections that node can reset, so that their end cannot pass for that of a response (RFC 9112 §8). */
import { Socket } from 'node:net';
import { isTlsSocket } from './late-modules.ts';
import { isNodeSocket } from './socket-prototype.ts';

/**
 * Tells if node can reset a connection (`resetAndDestroy`, since Node 18.3): plain TCP, but not TLS or a unix socket.
 *
 * @param socket That of a response: null, node's, or a stand-in, which cannot be reset
 */
export function canReset(socket: object | null): boolean {
  if (!isNodeSocket(socket) || isTlsSocket(socket)) return false;
  // By node's accessor: the socket itself may show the address of a client behind a proxy, or its TLS.
  return Reflect.get(Socket.prototype, 'remoteAddress', socket) !== undefined;
}
