/** Ends a request as node's server does: when its content has come, and when it has been answered. */
import {
  closeQuietly,
  endQuietly,
  hasListeners,
  isBeingRead,
  type RequestMessage,
} from '../../node-internals/index.ts';

/** The content of a request that nobody may have read. */
export interface Remainder {
  /** Ends the content here, in ticks of their own: somebody may be told. */
  discardContent(): void;
}

/**
 * Ends a request without content. Node's parser comes to its end right after the program was called.
 *
 * @param isWanted The program has asked for content meanwhile
 */
export function endEmpty(request: RequestMessage, isWanted: boolean, remainder: Remainder): void {
  request.complete = true;
  const isWatched = hasListeners(request) || request.readableFlowing !== null;
  if (isWatched || isWanted || request.socket.destroyed || !endQuietly(request)) remainder.discardContent();
}

/**
 * Ends a request that was answered, unless its reader does.
 *
 * @returns true if all of it is over at once
 */
export function endAnswered(request: RequestMessage, remainder: Remainder): boolean {
  if (isBeingRead(request)) return false;
  if (request.complete && !hasListeners(request) && closeQuietly(request)) return true;
  // Node's parser has come to the end of a request without content before; content that is still to come ends later.
  if (request.complete) remainder.discardContent();
  request._dump();
  // A listener for 'readable' has not begun to read.
  if (request.listenerCount('readable') === 0) remainder.discardContent();
  return false;
}
