/**
 * Makes constructors of node's messages that create objects with a given prototype.
 *
 * Express replaces the prototypes of `req` and `res` on every request. On Node 20 that throws away all that V8
 * learned of their shape, which makes a request several times slower. Setting the prototype that an object already
 * has changes nothing.
 *
 * `IncomingMessage` and `ServerResponse` are functions of the old kind, so another constructor can call them. For a
 * Node that makes them classes, `Reflect.construct` does the same more slowly.
 */
import { IncomingMessage as NodeRequest, ServerResponse as NodeResponse } from 'node:http';
import type { RequestMessage, ResponseMessage } from '../node-internals/index.ts';
import type { MessageSocket } from './socket/message-socket.ts';

/** Constructors of a request and of its response. */
export interface MessageConstructors {
  readonly Request: new (socket: MessageSocket) => RequestMessage;
  readonly Response: new (request: RequestMessage) => ResponseMessage;
  /** node's option `optimizeEmptyRequests`: a request without framing fields is closed from the start. */
  readonly optimizesEmptyRequests: boolean;
}

/**
 * Makes constructors whose objects have the given prototypes.
 *
 * @param requestPrototype An object that inherits from `IncomingMessage.prototype`
 * @param responsePrototype An object that inherits from `ServerResponse.prototype`
 * @example
 * const { Request } = messageConstructors(app.request, app.response);
 * Object.getPrototypeOf(new Request(socket)) === app.request; // true
 */
export function messageConstructors(
  requestPrototype: object = NodeRequest.prototype,
  responsePrototype: object = NodeResponse.prototype,
): MessageConstructors {
  // Stack traces and inspectors show these names.
  function IncomingMessage(this: object, socket: MessageSocket): object | undefined {
    if (IS_CLASS) return Reflect.construct(NodeRequest, [socket], IncomingMessage);
    initializeRequest.call(this, socket);
    return undefined;
  }
  function ServerResponse(this: object, request: RequestMessage): object | undefined {
    if (IS_CLASS) return Reflect.construct(NodeResponse, [request], ServerResponse);
    initializeResponse.call(this, request);
    return undefined;
  }
  IncomingMessage.prototype = requestPrototype;
  ServerResponse.prototype = responsePrototype;
  // V8 reserves room in an object for what its constructor, and those that this inherits from, assign. Without it the
  // objects outgrow their room many times, and requests take longer (Node 20).
  Object.setPrototypeOf(IncomingMessage, NodeRequest);
  Object.setPrototypeOf(ServerResponse, NodeResponse);
  // The type system cannot tell: these functions make what node's constructors make.
  return {
    Request: IncomingMessage,
    Response: ServerResponse,
    optimizesEmptyRequests: false,
  } as unknown as MessageConstructors;
}

const IS_CLASS: boolean = Function.prototype.toString.call(NodeRequest).startsWith('class');

// node's types declare classes; at run time they are functions, which can be called as well.
const initializeRequest = NodeRequest as unknown as (this: object, socket: MessageSocket) => void;
const initializeResponse = NodeResponse as unknown as (this: object, request: RequestMessage) => void;

/** Constructors of messages with node's own prototypes. */
export const plainMessages: MessageConstructors = messageConstructors();
