/**
 * Turns an event of a server into a gateway application, whose listeners get node's messages.
 *
 * One of the listeners may be an application: so a server with events keeps its own. `listenerOf` gives back the
 * listener that an application wraps. Any other application answers straight through the gateway, as if the messages
 * had never been made.
 */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { markProgram } from '../gateway/direct-call.ts';
import { privateMember } from '../gateway/private-member.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { RequestMessage, ResponseMessage } from '../node-internals/index.ts';
import type { ApplicationFunction } from '../wsgi.ts';
import { Exchange } from './exchange.ts';
import { type MessageConstructors, plainMessages } from './message-constructors.ts';
import { wrappedListenerOf } from './wrapped-listeners.ts';

/** Exchanges by their requests, for listeners that are applications. */
const exchanges = privateMember<Exchange>();

/**
 * Makes an application that emits an event with request and response, and answers as its listeners do.
 *
 * @param emitter Emits the event; somebody must listen
 * @param event `request`, `checkContinue` or `checkExpectation`
 * @param constructors Of the messages
 */
export function serveEvent(
  emitter: EventEmitter,
  event: string,
  constructors: MessageConstructors = plainMessages,
): ApplicationFunction {
  const application: ApplicationFunction = (environ, startResponse) => {
    const exchange = new Exchange(environ, startResponse, constructors);
    exchanges.set(exchange.request, exchange);
    return exchange.run((request, response) => {
      emitter.emit(event, request, response);
    });
  };
  markProgram(application);
  return application;
}

/**
 * Makes a listener of an application, for the events of {@link serveEvent}.
 *
 * @returns A listener. Unless the application wraps a listener, it throws a TypeError for messages of another server
 */
export function listenerOf(
  application: ApplicationFunction,
): (request: IncomingMessage, response: ServerResponse) => void {
  const wrapped = wrappedListenerOf(application);
  if (wrapped !== undefined) {
    return function listener(this: unknown, request, response) {
      // Ours or another server's, they are node's messages, for which the listener was written.
      const returned = wrapped.call(this, request as RequestMessage, response as ResponseMessage);
      const exchange = exchanges.get(request);
      // An emitter drops what its listeners return.
      if (exchange !== undefined && isPromise(returned)) {
        toPromise(returned).then(undefined, (error: unknown) => exchange.programFailed(error));
      }
      return returned;
    };
  }
  return (request) => {
    const exchange = exchanges.get(request);
    if (exchange === undefined) {
      throw new TypeError('Application can only answer requests of its own server; use toNode for others');
    }
    exchange.passTo(application);
  };
}
