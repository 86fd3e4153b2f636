/** Does to a response what node's server does when its connection comes or goes. */
import { ServerResponse } from 'node:http';
import { ProtocolError } from '../../errors.ts';
import {
  createClientError,
  hasListeners,
  type RequestMessage,
  type ResponseMessage,
} from '../../node-internals/index.ts';
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

const NO_PACKET = Buffer.alloc(0);

/** Gives the error that ended the connection, if it is known. */
export function causeOf(error: unknown): Error | undefined {
  if (error instanceof ProtocolError) return createClientError(error, NO_PACKET);
  return error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
}

/**
 * Tells of a timeout, as node does: not a complete request, and not a response that is over.
 *
 * @returns true if somebody listened
 */
export function emitTimeout(
  request: RequestMessage,
  response: ResponseMessage,
  socket: MessageSocket,
): boolean {
  const isHeardByRequest = !request.complete && request.emit('timeout', socket);
  const isHeardByResponse = response.socket !== null && response.emit('timeout', socket);
  return isHeardByRequest || isHeardByResponse;
}

/** Calls back after the gateway's turn, which comes right after the program's call, or when promises are settled. */
export function afterGateway(isDispatching: boolean, callback: () => void): void {
  if (isDispatching) process.nextTick(callback);
  else queueMicrotask(() => process.nextTick(callback));
}
