/** Tells that a connection was lost, with one listener on a socket for all requests that are pipelined on it. */
import type { Socket } from 'node:net';

const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls a listener once when a connection is lost.
 *
 * @returns a function that removes the listener
 */
export function onceLost(socket: Socket, listener: () => void): () => void {
  let listeners = waiting.get(socket);
  if (listeners === undefined) {
    listeners = new Set();
    waiting.set(socket, listeners);
    socket.once('close', () => callAll(socket));
  }
  const added = listeners;
  added.add(listener);
  return () => {
    added.delete(listener);
  };
}

function callAll(socket: Socket): void {
  for (const listener of [...(waiting.get(socket) ?? [])]) listener();
  waiting.delete(socket);
}
