/**
 * Tells who uses a socket that node has given away by the event `upgrade`.
 *
 * node's server keeps the response that a socket belongs to in `_httpMessage`, and refuses a second one (since Node 0.4;
 * checked on 20 to 26).
 */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ResponseMessage } from './message-types.ts';

/** Milliseconds that the listeners of a socket have for their first octet. Engine.IO, for one, takes up to a second. */
const GRACE = 10_000;

/** Gives the response that has a socket at the moment. */
export function responseOn(socket: object): ServerResponse | undefined {
  const response: ServerResponse | null | undefined = Reflect.get(socket, '_httpMessage');
  return response ?? undefined;
}

/** Closes a response that no longer has a socket, once. Its own `destroy` emits 'close' from Node 26 on, and not before. */
export function closeResponse(response: ServerResponse): void {
  // The type lacks the members by which node notes it.
  const closing = response as ResponseMessage;
  if (closing._closed) return;
  closing.destroyed = true;
  closing._closed = true;
  closing.emit('close');
}

/** Counts the octets that were written to a socket; undefined if it does not tell. */
export function octetsWritten(socket: object): number | undefined {
  const count: unknown = Reflect.get(socket, 'bytesWritten');
  return typeof count === 'number' ? count : undefined;
}

/**
 * Destroys a socket if nobody has written to it after 10 seconds: a listener of `upgrade` that does not know the path mostly
 * leaves it alone, and then its client would wait for ever.
 *
 * @param written Octets that had been written before the listeners were called
 */
export function destroyIfUnused(socket: Duplex, written: number | undefined): void {
  if (written === undefined || socket.destroyed) return;
  const timer = setTimeout(() => {
    socket.off('close', stop);
    if (octetsWritten(socket) === written) socket.destroy();
  }, GRACE).unref();
  const stop = (): void => clearTimeout(timer);
  socket.once('close', stop);
}
