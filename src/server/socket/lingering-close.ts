/**
 * The ways to end a connection: in order (RFC 9112 §9.6), or visibly cut off.
 *
 * In order, our half is closed once the client has taken what was sent. What still comes is thrown away for a while:
 * closing with unread octets would make TCP reset the connection and destroy the response on its way.
 */
import type { Socket } from 'node:net';
import { canReset } from '../../node-internals/index.ts';

const NOTHING = new Uint8Array(0);

/** Closes our half of a socket. Calls back when all that was sent has left. */
export function closeHalf(socket: Socket, onClosed: () => void): void {
  if (socket.writableFinished) onClosed();
  else socket.once('finish', onClosed);
  socket.end();
  // If it is paused, it would not learn that the client closes its half too.
  socket.resume();
}

/**
 * Cuts off a response that ends with its connection, so that the client sees that it is not whole (RFC 9112 §8).
 *
 * TCP: a reset; node resets nothing else. TLS: no close_notify (RFC 9112 §9.8). A unix socket is reset by closing it
 * with octets that were not read, if there are any; otherwise it has no such sign.
 */
export function cutOff(socket: Socket): void {
  if (canReset(socket)) {
    socket.resetAndDestroy();
    return;
  }
  socket.pause();
  socket.write(NOTHING, () => socket.destroy());
}
