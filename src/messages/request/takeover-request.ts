/** Makes requests without a response: the connection is taken over, or the request is dropped. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Environ } from '../../wsgi.ts';
import { plainMessages } from '../message-constructors.ts';
import { createRequest } from '../message-pair.ts';
import type { MessageSocket } from '../socket/message-socket.ts';

/** Makes the request of an `upgrade` or `connect` event, whose listener takes the connection over. */
export function createTakeoverRequest(environ: Environ, socket: object): IncomingMessage {
  return createBareRequest(environ, socket, true);
}

/** Makes the request of a `dropRequest` event. */
export function createUnansweredRequest(environ: Environ, socket: Socket): IncomingMessage {
  return createBareRequest(environ, socket, false);
}

/** Makes a complete request without content, on the real socket. */
function createBareRequest(environ: Environ, socket: object, upgrade: boolean): IncomingMessage {
  // node's constructor takes a socket, another Duplex, or a stand-in.
  const request = createRequest(environ, plainMessages, socket as MessageSocket);
  request.upgrade = upgrade;
  request.complete = true;
  request.push(null);
  return request;
}
