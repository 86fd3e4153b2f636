/** The request of an `upgrade` or `connect` event, whose listener takes the connection over. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Environ } from '../wsgi.ts';
import { plainMessages } from './message-constructors.ts';
import { createRequest } from './message-pair.ts';
import type { MessageSocket } from './message-socket.ts';

/**
 * Makes the request: complete, without content, and with the real socket.
 *
 * @param environ The environ of the request
 * @param socket The connection
 */
export function createTakeoverRequest(environ: Environ, socket: Socket): IncomingMessage {
  // node's own constructor; that it otherwise gets a stand-in makes no difference to it.
  const request = createRequest(environ, plainMessages, socket as unknown as MessageSocket);
  request.upgrade = true;
  request.complete = true;
  request.push(null);
  return request;
}
