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
import { IncomingMessage, ServerResponse } from 'node:http';
import type { MessageSocket } from './message-socket.ts';
import type { RequestMessage, ResponseMessage } from './node-internals.ts';

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
  requestPrototype: object = IncomingMessage.prototype,
  responsePrototype: object = ServerResponse.prototype,
): MessageConstructors {
  // A function that borrows a constructor has no type of its own; what it makes is what it borrows from makes.
  return {
    Request: borrow(IncomingMessage, requestPrototype) as unknown as MessageConstructors['Request'],
    Response: borrow(ServerResponse, responsePrototype) as unknown as MessageConstructors['Response'],
  };
}

/** The constructors of plain node messages. */
export const plainMessages: MessageConstructors = messageConstructors();

function borrow(parent: object, prototype: object): object {
  function Message(this: object, argument: unknown): object | undefined {
    if (IS_CLASS) return Reflect.construct(construct, [argument], Message);
    call.call(this, argument);
    return undefined;
  }
  // node's types declare classes; at run time these are functions, which can be called as well.
  const construct = parent as new (argument: unknown) => object;
  const call = parent as (this: object, argument: unknown) => void;
  Message.prototype = prototype;
  return Message;
}

const IS_CLASS: boolean = Function.prototype.toString.call(IncomingMessage).startsWith('class');
