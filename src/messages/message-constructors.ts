/**
 * Constructors for node's message objects that are born with a given prototype.
 *
 * Express replaces the prototypes of `req` and `res` on every request. On Node 20 that throws away all that V8 has
 * learned of their shape: 72 µs for a request where 20 suffice. An object that already has the prototype that
 * Express is about to set is left as it is, because setting a prototype to itself changes nothing.
 *
 * `IncomingMessage` and `ServerResponse` are functions of the old kind, so that another constructor can borrow them;
 * for a Node that makes classes of them, `Reflect.construct` does the same more slowly.
 */
import { IncomingMessage as NodeRequest, ServerResponse as NodeResponse } from 'node:http';
import type { RequestMessage, ResponseMessage } from '../node-internals/index.ts';
import type { MessageSocket } from './socket/message-socket.ts';

/** A pair of constructors. */
export interface MessageConstructors {
  readonly Request: new (socket: MessageSocket) => RequestMessage;
  readonly Response: new (request: RequestMessage) => ResponseMessage;
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
  // The names are what stack traces and inspectors show.
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
  // V8 makes room in an object for what its constructor and those that this one inherits from assign. Without the
  // room they outgrow their objects ten times over: a hello request takes 7.0 µs where 3.9 suffice (Node 20).
  Object.setPrototypeOf(IncomingMessage, NodeRequest);
  Object.setPrototypeOf(ServerResponse, NodeResponse);
  // A function that borrows a constructor has no type of its own; what it makes is what it borrows from makes.
  return { Request: IncomingMessage, Response: ServerResponse } as unknown as MessageConstructors;
}

const IS_CLASS: boolean = Function.prototype.toString.call(NodeRequest).startsWith('class');

// node's types declare classes; at run time these are functions, which can be called as well.
const initializeRequest = NodeRequest as unknown as (this: object, socket: MessageSocket) => void;
const initializeResponse = NodeResponse as unknown as (this: object, request: RequestMessage) => void;

/** The constructors of plain node messages. */
export const plainMessages: MessageConstructors = messageConstructors();
