/**
 * Counts the octets that a socket has written and the kernel has not taken: `writeQueueSize` of its handle (since
 * Node 0.10; checked on 20 to 26). node's `socket.setTimeout` reads it for the same purpose.
 *
 * Without the shortcut it is `writableLength`, which changes only when a whole chunk has left: a client that needs
 * more than `writeTimeout` for a large chunk then counts as stuck.
 */
import { Socket } from 'node:net';
import { shortcut } from './shortcuts.ts';

interface SocketWithQueue extends Socket {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/** Only a connected socket has a handle, so `writeQueueSize` cannot be looked for here; a test does. */
const isKnown = shortcut('_handle', () => ('_handle' in new Socket() ? true : undefined));

/** Gives the octets that wait for the kernel. */
export function kernelQueue(socket: SocketWithQueue): number {
  return (isKnown === true ? socket._handle?.writeQueueSize : undefined) ?? socket.writableLength;
}
