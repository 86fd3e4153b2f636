/**
 * The events `connection` and `secureConnection`. Their listeners get the object that requests have as `req.socket`:
 * helpers for graceful shutdown count connections by one and find them by the other.
 */
import type { Server, Socket } from 'node:net';
import { connectionSocket } from '../../messages/index.ts';

/**
 * Emits `connection`. The server's own listener gets the socket itself. So do all listeners once it was removed: a
 * program removes it to read from the socket first (the PROXY protocol), and calls it afterwards.
 *
 * @param server The server
 * @param socket The accepted socket
 * @param own The server's own listener
 */
export function emitConnection(server: Server, socket: Socket, own: (socket: Socket) => void): boolean {
  const listeners = server.rawListeners('connection');
  // Usually the server is the only listener, and nothing is made for an idle connection.
  const shown = listeners.length > 1 && listeners.includes(own) ? connectionSocket(socket) : socket;
  for (const listener of listeners) Reflect.apply(listener, server, [listener === own ? socket : shown]);
  return listeners.length > 0;
}

/** Emits `secureConnection`, after the server has taken the socket. */
export function emitSecureConnection(server: Server, socket: Socket): void {
  if (server.listenerCount('secureConnection') > 0) server.emit('secureConnection', connectionSocket(socket));
}
