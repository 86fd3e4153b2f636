/**
 * The channels of node:diagnostics_channel that tell of requests and connections, with the types of their messages.
 *
 * src/gateway/request-channels.ts publishes requests, tally.ts connections.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server, Socket } from 'node:net';
import type {
  RequestErrorMessage,
  RequestFinishMessage,
  RequestHeadMessage,
  RequestStartMessage,
} from '../gateway/request-channels.ts';

/** The message of `gatebridge.connection.open`: the server has accepted a connection; with TLS, after its handshake. */
export interface ConnectionOpenMessage {
  readonly server: Server;
  /** That of `gateway.socket`. */
  readonly socket: Socket;
}

/** The message of `gatebridge.connection.close`: the socket is closed, also one that a listener of `upgrade` has taken over. */
export interface ConnectionCloseMessage extends ConnectionOpenMessage {
  /** Requests that have come on it. */
  readonly requests: number;
  /** Octets, with TLS those inside of it. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Milliseconds since it was opened. */
  readonly duration: number;
}

/** The messages by the names of their channels. */
export interface GatewayMessages {
  'gatebridge.request.start': RequestStartMessage;
  'gatebridge.request.head': RequestHeadMessage;
  'gatebridge.request.error': RequestErrorMessage;
  'gatebridge.request.finish': RequestFinishMessage;
  'gatebridge.connection.open': ConnectionOpenMessage;
  'gatebridge.connection.close': ConnectionCloseMessage;
}

/**
 * Subscribes to a channel of `node:diagnostics_channel`, with the type of its messages.
 *
 * The listener is called within the call that publishes. What it throws is an uncaught exception, and no failure of the request.
 *
 * @param name The channel
 * @param listener Called with each message
 * @returns a function that ends the subscription
 * @example
 * const stop = observe('gatebridge.request.finish', ({ environ, status, duration }) => {
 *   console.log(environ.REQUEST_METHOD, environ.REQUEST_URI, status, duration);
 * });
 */
export function observe<Name extends keyof GatewayMessages>(
  name: Name,
  listener: (message: GatewayMessages[Name]) => void,
): () => void {
  // Only the files named above publish on these channels.
  const onMessage = (message: unknown): void => listener(message as GatewayMessages[Name]);
  subscribe(name, onMessage);
  return () => void unsubscribe(name, onMessage);
}
