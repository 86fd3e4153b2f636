/**
 * The events `connection` and `secureConnection`, whose listeners get the very object that requests have as `req.socket`.
 *
 * Helpers for graceful shutdown count connections by the one and find them again by the other.
 */
import type { Server, Socket } from 'node:net';
import { connectionSocket } from '../../messages/index.ts';

/**
 * Emits `connection`. The server's own listener gets the socket itself, and so does everybody once that listener was
 * taken away: who does so reads from the socket first (the PROXY protocol) and calls the listener afterwards.
 *
 * @param server Whose event it is
 * @param socket What was accepted
 * @param own The server's own listener
 */
export function emitConnection(server: Server, socket: Socket, own: (socket: Socket) => void): boolean {
  const listeners = server.rawListeners('connection');
  // Usually the server is alone, and an idle connection costs no more than itself.
  const shown = listeners.length > 1 && listeners.includes(own) ? connectionSocket(socket) : socket;
  for (const listener of listeners) Reflect.apply(listener, server, [listener === own ? socket : shown]);
  return listeners.length > 0;
}

/** Emits `secureConnection`, after the server has taken the socket. */
export function emitSecureConnection(server: Server, socket: Socket): void {
  if (server.listenerCount('secureConnection') > 0) server.emit('secureConnection', connectionSocket(socket));
}
