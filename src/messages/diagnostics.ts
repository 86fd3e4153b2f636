/**
 * Publishes requests on node's diagnostics channels, with node's names and messages.
 *
 * `http.server.response.created` is not here: since Node 22 the constructor of a response publishes it. node's own
 * server has published its requests already, so they are not published again.
 */
import { channel } from 'node:diagnostics_channel';
import type { RequestMessage, ResponseMessage } from '../node-internals/index.ts';

const REQUEST_START = channel('http.server.request.start');
const RESPONSE_CREATED = channel('http.server.response.created');
const RESPONSE_FINISH = channel('http.server.response.finish');

/** One exchange, as its channels show it. */
interface PublishedExchange {
  readonly request: RequestMessage;
  readonly response: ResponseMessage;
  readonly socket: { readonly server: unknown; readonly isServedByNode: boolean };
}

/** Publishes that a program is about to be called. */
export function publishStart(
  request: RequestMessage,
  response: ResponseMessage,
  socket: PublishedExchange['socket'],
): void {
  if (REQUEST_START.hasSubscribers) publish(REQUEST_START, { request, response, socket });
}

/** Tells if anybody subscribes to one of the channels of a server. */
export function areRequestsHeard(): boolean {
  return REQUEST_START.hasSubscribers || RESPONSE_CREATED.hasSubscribers || RESPONSE_FINISH.hasSubscribers;
}

/** Tells if anybody subscribes to `http.server.response.finish`. */
export function isFinishHeard(): boolean {
  return RESPONSE_FINISH.hasSubscribers;
}

/** Publishes that a response has finished. */
export function publishFinish(
  request: RequestMessage,
  response: ResponseMessage,
  socket: PublishedExchange['socket'],
): void {
  if (RESPONSE_FINISH.hasSubscribers) publish(RESPONSE_FINISH, { request, response, socket });
}

function publish(target: typeof REQUEST_START, { request, response, socket }: PublishedExchange): void {
  if (!socket.isServedByNode) target.publish({ request, response, socket, server: socket.server });
}
