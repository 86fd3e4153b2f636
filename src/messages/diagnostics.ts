/**
 * What node's server publishes for those who trace requests (node:diagnostics_channel), with the same names and messages.
 *
 * `http.server.response.created` is not here: since Node 22 the constructor of a response publishes it.
 *
 * A server of node's own has published its requests already. What comes through it is told of once.
 */
import { channel } from 'node:diagnostics_channel';
import type { RequestMessage, ResponseMessage } from '../node-internals/index.ts';

const REQUEST_START = channel('http.server.request.start');
const RESPONSE_FINISH = channel('http.server.response.finish');

/** What an exchange consists of. */
interface Exchanged {
  readonly request: RequestMessage;
  readonly response: ResponseMessage;
  readonly socket: { readonly server: unknown; readonly isServedByNode: boolean };
}

/** A program is about to be called. */
export function publishStart(
  request: RequestMessage,
  response: ResponseMessage,
  socket: Exchanged['socket'],
): void {
  if (REQUEST_START.hasSubscribers) publish(REQUEST_START, { request, response, socket });
}

/** Whether somebody is told when a response has finished. */
export function isFinishHeard(): boolean {
  return RESPONSE_FINISH.hasSubscribers;
}

/** A response has finished. */
export function publishFinish(
  request: RequestMessage,
  response: ResponseMessage,
  socket: Exchanged['socket'],
): void {
  if (RESPONSE_FINISH.hasSubscribers) publish(RESPONSE_FINISH, { request, response, socket });
}

function publish(target: typeof REQUEST_START, { request, response, socket }: Exchanged): void {
  if (!socket.isServedByNode) target.publish({ request, response, socket, server: socket.server });
}
