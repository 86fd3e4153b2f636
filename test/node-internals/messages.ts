/** Messages of node without a connection. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RequestMessage, ResponseMessage, WriteCallback } from '../../src/node-internals/index.ts';

/** Makes a request that nobody has begun to read. */
export function createRequest(): RequestMessage {
  // node's types leave out the private members.
  return new IncomingMessage(new Socket()) as RequestMessage;
}

/** Makes a response whose head is not settled. */
export function createResponse(): ResponseMessage {
  // node's types leave out the private members.
  return new ServerResponse(createRequest()) as ResponseMessage;
}

/** A response with a settled head, and the callbacks that it has passed on with its output. */
export interface HeldResponse {
  readonly response: ResponseMessage;
  readonly callbacks: WriteCallback[];
}

/**
 * Makes a response that sends nothing.
 *
 * @param isTaken Tells the response that the client keeps up
 */
export function holdResponse(isTaken = true): HeldResponse {
  const callbacks: WriteCallback[] = [];
  const send: ResponseMessage['_send'] = (_data, _encoding, callback) => {
    if (typeof callback === 'function') callbacks.push(callback);
    return isTaken;
  };
  const response = Object.assign(createResponse(), { _header: 'settled', _send: send });
  return { response, callbacks };
}

/** This Node keeps the callbacks of `end()` to itself (some of Node 24, Node 26), and does not listen to 'finish'. */
export const KEEPS_END_CALLBACKS: boolean = doesKeepEndCallbacks();

function doesKeepEndCallbacks(): boolean {
  const { response } = holdResponse();
  response.end('x', () => {});
  return response.listenerCount('finish') === 0;
}
