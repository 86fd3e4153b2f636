/** Does to a response what node's server does when its connection comes or goes. */
import { ServerResponse } from 'node:http';
import { isError, isProtocolError } from '../../errors.ts';
import { createClientError, hasListeners, type ResponseMessage } from '../../node-internals/index.ts';
import type { MessageSocket } from '../socket/message-socket.ts';

/** Closes a response that is over, sent or not. */
export function emitResponseClose(response: ResponseMessage): void {
  if (response._closed) return;
  response.destroyed = true;
  response._closed = true;
  response.emit('close');
}

/** node's own `emit`; a program may wrap it to hear of everything. */
const { emit } = ServerResponse.prototype;

/** Tells if nobody listens to a response in any way. */
export function isUnheard(response: ResponseMessage): boolean {
  return !hasListeners(response) && response.emit === emit;
}

/** Gives a response its socket, or takes it away. */
export function setSocket(response: ResponseMessage, socket: MessageSocket | null): void {
  // Declared read-only; node's own server assigns it too.
  const mutable = response as { socket: unknown };
  mutable.socket = socket;
}

/** Gives the error that ended the connection, if it is known. */
export function causeOf(error: unknown): Error | undefined {
  if (isProtocolError(error)) return createClientError(error);
  return isError(error) && isError(error.cause) ? error.cause : undefined;
}
