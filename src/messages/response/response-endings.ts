/**
 * What node's server does to a response when its connection comes or goes, and the errors that tell of it.
 */
import { ServerResponse } from 'node:http';
import { ProtocolError } from '../../errors.ts';
import {
  createClientError,
  hasListeners,
  type RequestMessage,
  type ResponseMessage,
} from '../../node-internals/index.ts';
import type { MessageSocket } from '../socket/message-socket.ts';

/** What node's server does with a response that is over, sent or not. */
export function emitResponseClose(response: ResponseMessage): void {
  if (response._closed) return;
  response.destroyed = true;
  response._closed = true;
  response.emit('close');
}

/** node's own `emit`. A program may wrap it to hear of everything. */
const { emit } = ServerResponse.prototype;

/** Whether nobody listens to a response, in whatever way. */
export function isUnheard(response: ResponseMessage): boolean {
  return !hasListeners(response) && response.emit === emit;
}

/** Gives a response its socket, or takes it away. */
export function setSocket(response: ResponseMessage, socket: MessageSocket | null): void {
  // Declared read-only; node's own server assigns it like this.
  const mutable = response as { socket: unknown };
  mutable.socket = socket;
}

const NO_PACKET = Buffer.alloc(0);

/** What ended the connection, if it is known. */
export function causeOf(error: unknown): Error | undefined {
  if (error instanceof ProtocolError) return createClientError(error, NO_PACKET);
  return error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
}

/**
 * Tells of a timeout, as node does: a request that is complete and a response that is over do not hear of it.
 *
 * @returns whether somebody listened
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

/** Calls back once the gateway has had its turn: after a call it has it at once, later when promises are settled. */
export function afterGateway(isCall: boolean, callback: () => void): void {
  if (isCall) process.nextTick(callback);
  else queueMicrotask(() => process.nextTick(callback));
}
