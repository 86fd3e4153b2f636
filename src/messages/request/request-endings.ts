/**
 * What node's server does to a request when its content has come, and when it has been answered.
 */
import type { RequestMessage } from '../../node-internals/message-types.ts';

/** What may be left of the content of a request. */
export interface Remainder {
  /** Ends the content here, in ticks of their own: somebody may be told. */
  discardContent(): void;
}

/**
 * Ends a request without content. node's parser comes to its end right after the program was called.
 *
 * @param isWanted Whether the program has asked for content meanwhile
 */
export function endEmpty(request: RequestMessage, isWanted: boolean, remainder: Remainder): void {
  request.complete = true;
  const isWatched = request._eventsCount > 0 || request.readableFlowing !== null;
  if (isWatched || isWanted || request.socket.destroyed) remainder.discardContent();
  // What somebody who comes later sees: nothing has to be told to anybody.
  else request._readableState.ended = true;
}

/**
 * Ends a request that was answered, as far as nobody else does.
 *
 * @returns whether all of it is over at once
 */
export function endAnswered(request: RequestMessage, remainder: Remainder): boolean {
  if (request._consuming || request._readableState.resumeScheduled) return false;
  if (request._eventsCount === 0 && request.complete) {
    closeUnread(request);
    return true;
  }
  // Where there is none, node's parser has come to its end before; content that is still to come ends later.
  if (request.complete) remainder.discardContent();
  request._dump();
  // Whoever waits for 'readable' has not begun to read.
  if (request.listenerCount('readable') === 0) remainder.discardContent();
  return false;
}

/**
 * Leaves a request as it is after nobody has read it: ended and closed. For one that nobody listens to; Node 26 does
 * the same for requests without content (`optimizeEmptyRequests`). Reading to the end for nobody takes four ticks.
 */
function closeUnread(request: RequestMessage): void {
  const state = request._readableState;
  request.complete = true;
  state.ended = true;
  state.endEmitted = true;
  state.destroyed = true;
  state.closed = true;
  state.closeEmitted = true;
}
