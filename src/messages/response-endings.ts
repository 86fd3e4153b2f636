/**
 * What node's server does to a response when its connection comes or goes, and the errors that tell of it.
 */
import { DisconnectError } from '../errors.ts';
import type { MessageSocket } from './message-socket.ts';
import { nodeError, type ResponseMessage } from './node-internals.ts';

/** What node's server does with a response that is over, sent or not. */
export function emitResponseClose(response: ResponseMessage): void {
  if (response._closed) return;
  response.destroyed = true;
  response._closed = true;
  response.emit('close');
}

/** Gives a response its socket, or takes it away. */
export function setSocket(response: ResponseMessage, socket: MessageSocket | null): void {
  // Declared read-only; node's own server assigns it like this.
  const mutable = response as { socket: unknown };
  mutable.socket = socket;
}

/** Tells a gateway that nobody is left to send to. */
export function disconnection(cause?: Error | null): DisconnectError {
  return new DisconnectError('WSGI_ERR_DISCONNECTED', 'response', cause ? { cause } : undefined);
}

/** Tells a program that what it wrote was not sent. */
export function destroyedError(): Error {
  return nodeError('ERR_STREAM_DESTROYED', 'Cannot call write after a stream was destroyed');
}

/** What ended the connection, if it is known. */
export function causeOf(error: unknown): Error | undefined {
  return error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
}
