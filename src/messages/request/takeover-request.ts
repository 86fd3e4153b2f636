/** Requests that no response belongs to: the connection is taken over, or nobody is asked. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Environ } from '../../wsgi.ts';
import { plainMessages } from '../message-constructors.ts';
import { createRequest } from '../message-pair.ts';
import type { MessageSocket } from '../socket/message-socket.ts';

/**
 * Makes the request of an `upgrade` or `connect` event, whose listener takes the connection over.
 *
 * @param environ The environ of the request
 * @param socket The connection
 */
export function createTakeoverRequest(environ: Environ, socket: Socket): IncomingMessage {
  return createBareRequest(environ, socket, true);
}

/** Makes the request of a `dropRequest` event; the parameters are those of {@link createTakeoverRequest}. */
export function createUnansweredRequest(environ: Environ, socket: Socket): IncomingMessage {
  return createBareRequest(environ, socket, false);
}

/** A request that is complete, without content, and with the real socket. */
function createBareRequest(environ: Environ, socket: Socket, upgrade: boolean): IncomingMessage {
  // node's own constructor; that it otherwise gets a stand-in makes no difference to it.
  const request = createRequest(environ, plainMessages, socket as unknown as MessageSocket);
  request.upgrade = upgrade;
  request.complete = true;
  request.push(null);
  return request;
}
