/**
 * The state of a request as a stream: `_readableState` and `_consuming` (since Node 0.12; checked on 20 to 26).
 *
 * Without the shortcut a request ends in the documented way, `push(null)` and `_dump()`, some ticks later, and a
 * `read()` that gave nothing does not count as reading.
 */
import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { RequestMessage } from './message-types.ts';
import { shortcut } from './shortcuts.ts';

interface RequestWithState extends RequestMessage {
  /** Reading has begun: `read`, `pipe`, 'data' or 'readable'. */
  readonly _consuming?: boolean;
  readonly _readableState?: Record<string, unknown>;
}

const STATES = ['resumeScheduled', 'ended', 'endEmitted', 'destroyed', 'closed', 'closeEmitted'] as const;

const isKnown = shortcut('_consuming and _readableState', () => {
  // Without a socket, which takes as long to make as all shortcuts to find. node's types leave out the private members.
  const { _consuming, _readableState: state }: RequestWithState = Reflect.construct(IncomingMessage, []);
  if (typeof _consuming !== 'boolean' || state === undefined) return undefined;
  return STATES.every((name) => typeof state[name] === 'boolean') ? true : undefined;
});

/**
 * Tells if a program has begun to read a request, or is about to. One that it has resumed and paused, or piped and
 * unpiped, at once was not read, unless somebody listens.
 */
export function isBeingRead(request: RequestWithState): boolean {
  const { readableFlowing } = request;
  const isAwaited = readableFlowing === true || (readableFlowing === false && isHeard(request));
  if (isKnown !== true) return request.readableDidRead || isAwaited;
  return request._consuming === true || (request._readableState?.resumeScheduled === true && isAwaited);
}

/** Tells if a stream that was resumed for a moment, by the program or by a pipe, asks for content that nobody awaits. */
export function isOnlyTouched(request: RequestWithState): boolean {
  if (request.readableFlowing !== false || isHeard(request)) return false;
  return isKnown !== true ? !request.readableDidRead : request._readableState?.resumeScheduled === true;
}

/** Tells if content has a listener. */
export function isHeard(request: RequestMessage): boolean {
  return request.listenerCount('data') > 0 || request.listenerCount('readable') > 0;
}

/** Tells if a request is piped somewhere. */
export function isPiped({ _readableState: state }: RequestWithState): boolean {
  return Array.isArray(state?.pipes) && state.pipes.length > 0;
}

/**
 * Ends a request without content and without listeners, so that later listeners see it ended.
 *
 * @returns false if it must be ended in the documented way
 */
export function endQuietly(request: RequestWithState): boolean {
  if (isKnown !== true || request._readableState === undefined) return false;
  request._readableState.ended = true;
  return true;
}

/**
 * Leaves a request without listeners as if it had been read to its end: ended and closed. So does node's option
 * `optimizeEmptyRequests` (off by default, Node 26).
 *
 * @returns false if it must be ended in the documented way
 */
export function closeQuietly(request: RequestWithState): boolean {
  const { _readableState: state } = request;
  if (isKnown !== true || state === undefined) return false;
  request.complete = true;
  state.ended = true;
  state.endEmitted = true;
  state.destroyed = true;
  state.closed = true;
  state.closeEmitted = true;
  return true;
}

/**
 * Obeys node's option `optimizeEmptyRequests` as node does, on the Node that has it: a request without framing fields is
 * over before anybody sees it, and emits nothing.
 */
export function optimizeEmpty(request: RequestMessage): void {
  const { headers } = request;
  if ('content-length' in headers || 'transfer-encoding' in headers) return;
  request._dumpAndCloseReadable?.();
}

/**
 * Tells if a stream has been given its end, though it may not have told of it yet: it does so once it is read on.
 */
export function hasReceivedEnd(stream: Readable & { readonly complete?: boolean }): boolean {
  // node's types leave out the private member.
  const { _readableState: state } = stream as Pick<RequestWithState, '_readableState'>;
  if (isKnown !== true || state === undefined) return stream.readableEnded || stream.complete === true;
  return state.ended === true;
}
