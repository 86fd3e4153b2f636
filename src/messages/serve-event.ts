/**
 * An event of a server as a gateway application: whoever listens gets node's messages.
 *
 * One of the listeners may be an application that was made a listener, which is how a server with events keeps its
 * application: `listenerOf` makes it. One that was made of a listener is that listener again; any other answers straight
 * through the gateway when it is called with messages of ours, as if the messages had never been made.
 */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isPromise } from '../gateway/body-reader.ts';
import type { RequestMessage, ResponseMessage } from '../node-internals/index.ts';
import type { ApplicationFunction } from '../wsgi.ts';
import { Exchange } from './exchange.ts';
import { plainMessages } from './message-constructors.ts';
import { wrappedListenerOf } from './wrapped-listeners.ts';

/** The exchanges that listeners may be looking at. */
const exchanges = new WeakMap<object, Exchange>();

/**
 * Makes an application that emits an event with request and response, and answers what the listeners answer.
 *
 * @param emitter Whose event it is; somebody has to listen
 * @param event `request`, `checkContinue` or `checkExpectation`
 */
export function serveEvent(emitter: EventEmitter, event: string): ApplicationFunction {
  return (environ, startResponse) => {
    const exchange = new Exchange(environ, startResponse, plainMessages);
    exchanges.set(exchange.request, exchange);
    return exchange.run((request, response) => {
      emitter.emit(event, request, response);
    });
  };
}

/**
 * Makes a listener of an application, for the events of {@link serveEvent}.
 *
 * @param application What answers
 * @returns A listener; it throws a TypeError for messages of another server unless the application was made of a
 *   listener
 */
export function listenerOf(
  application: ApplicationFunction,
): (request: IncomingMessage, response: ServerResponse) => void {
  const wrapped = wrappedListenerOf(application);
  if (wrapped !== undefined) {
    return function listener(this: unknown, request, response) {
      // Ours are what a listener of node's takes; those of another server are what it was written for.
      const returned = wrapped.call(this, request as RequestMessage, response as ResponseMessage);
      const exchange = exchanges.get(request);
      // An emitter drops what its listeners return.
      if (exchange !== undefined && isPromise(returned)) {
        returned.then(undefined, (error: unknown) => exchange.programFailed(error));
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
