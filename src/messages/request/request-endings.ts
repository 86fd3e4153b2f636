/** Ends a request as node's server does: when its content has come, and when it has been answered. */
import {
  closeQuietly,
  endQuietly,
  hasListeners,
  isBeingRead,
  type RequestMessage,
} from '../../node-internals/index.ts';

/** Content that may be left unread. */
export interface Remainder {
  /** Ends the content in ticks of its own, because somebody may listen. */
  discardContent(): void;
}

/**
 * Ends a request without content. node's parser does so right after the call of the program.
 *
 * @param isWanted The program has asked for content meanwhile
 */
export function endEmpty(request: RequestMessage, isWanted: boolean, remainder: Remainder): void {
  request.complete = true;
  const isWatched = hasListeners(request) || request.readableFlowing !== null;
  if (isWatched || isWanted || request.socket.destroyed || !endQuietly(request)) remainder.discardContent();
}

/**
 * Ends an answered request, unless its reader will end it.
 *
 * @returns true if everything is over at once
 */
export function endAnswered(request: RequestMessage, remainder: Remainder): boolean {
  if (isBeingRead(request)) return false;
  if (request.complete && !hasListeners(request) && closeQuietly(request)) return true;
  // node's parser has already ended a request without content; content that is still to come ends later.
  if (request.complete) remainder.discardContent();
  request._dump();
  // Leaves the content to a listener for 'readable', which has not begun to read.
  if (request.listenerCount('readable') === 0) remainder.discardContent();
  return false;
}
