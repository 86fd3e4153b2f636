/**
 * The events `connection` and `secureConnection`. Their listeners get the object that requests have as `req.socket`:
 * helpers for graceful shutdown count connections by one and find them by the other.
 */
import type { Server, Socket } from 'node:net';
import { connectionSocket, hostSocketBelow } from '../../messages/index.ts';

/** The event of a connection that can be served: with TLS, after its handshake. */
export type ConnectionEvent = 'connection' | 'secureConnection';

/** How a server emits the event. */
export interface ConnectionEmission {
  readonly event: ConnectionEvent;
  /** The server's own listener. */
  readonly own: (socket: Socket) => void;
  /** The `emit` of the server that ours stands for. */
  readonly emit: Server['emit'];
}

/**
 * Emits the event. All listeners get the socket itself once the server's own was removed: a program removes it to read
 * from the socket first (the PROXY protocol), and calls it afterwards.
 *
 * @param server The server
 * @param socket The accepted socket
 */
export function emitConnection(
  server: Server,
  socket: Socket,
  { event, own, emit }: ConnectionEmission,
): boolean {
  const listeners = server.listeners(event);
  // Usually the server is the only listener, and nothing is made for an idle connection.
  const shown = listeners.length > 1 && listeners.includes(own) ? connectionSocket(socket) : socket;
  return Reflect.apply(emit, server, [event, shown]);
}

/** Gives the accepted socket of what a listener got. */
export function acceptedSocket(shown: Socket): Socket {
  // The stand-in of a socket that a server of net or tls has accepted.
  return (hostSocketBelow(shown) as Socket | undefined) ?? shown;
}
