/** Ends a request as node's server does: when its content has come, and when it has been answered. */
import {
  closeQuietly,
  endQuietly,
  hasListeners,
  isBeingRead,
  isHeard,
  isPiped,
  type RequestMessage,
} from '../../node-internals/index.ts';
import type { ContentFeed } from './content-feed.ts';

/** Content that may be left unread. It is made on demand. */
export interface Remainder {
  readonly feed: ContentFeed;
}

/**
 * Ends a request without content. node's parser does so right after the call of the program.
 *
 * @param isWanted The program has asked for content meanwhile
 */
export function endEmpty(request: RequestMessage, isWanted: boolean, remainder: Remainder): void {
  request.complete = true;
  const isWatched = hasListeners(request) || request.readableFlowing !== null;
  if (isWatched || isWanted || request.socket.destroyed || !endQuietly(request)) remainder.feed.discard();
}

/**
 * Ends an answered request, unless it has a reader: a program that has begun to read it, also while it pauses, until it
 * unpipes the request. One that destroys the request cuts the connection.
 *
 * @returns true if everything is over at once
 */
export function endAnswered(request: RequestMessage, remainder: Remainder): boolean {
  if (isBeingRead(request) && !isUnpiped(request, remainder)) {
    if (!request.complete) endWhenUnpiped(request, remainder);
    return false;
  }
  if (request.complete && !hasListeners(request) && closeQuietly(request)) return true;
  // node's parser has already ended a request without content; content that is still to come ends later.
  if (request.complete) remainder.feed.discard();
  request._dump();
  // Leaves the content to a listener for 'readable', which has not begun to read.
  if (request.listenerCount('readable') === 0) remainder.feed.discard();
  return false;
}

/** The program has piped the request somewhere, and does not any more. */
function isUnpiped(request: RequestMessage, remainder: Remainder): boolean {
  const { wasLeft } = remainder.feed;
  return wasLeft && !isPiped(request) && !isHeard(request) && request.readableFlowing !== true;
}

/** A pipe ends by itself if its destination fails, and by `unpipe`. */
function endWhenUnpiped(request: RequestMessage, remainder: Remainder): void {
  const { unpipe } = request;
  const unpipeAndEnd: RequestMessage['unpipe'] = (...destination) => {
    unpipe.apply(request, destination);
    // The program may read on in another way.
    process.nextTick(endIfUnpiped, request, remainder);
    return request;
  };
  request.unpipe = unpipeAndEnd;
}

function endIfUnpiped(request: RequestMessage, remainder: Remainder): void {
  if (request.complete || request.destroyed || !isUnpiped(request, remainder)) return;
  request._dump();
  remainder.feed.discard();
}
