/** Turns a listener for node's 'request' event into a gateway application, for all bridges from node's world. */
import { refuseCall } from '../gateway/adapter.ts';
import type { Body, Environ, StartResponse } from '../wsgi.ts';
import { type Dispatch, Exchange } from './exchange.ts';
import { LISTENER_OPTIONS, type ListenerOptions } from './listener-options.ts';
import { type MessageConstructors, plainMessages } from './message-constructors.ts';
import { mountProperties } from './request/request-target.ts';

/** Listener options, and one that only bridges set. */
export interface MessageOptions extends ListenerOptions {
  /** @default constructors of node's own messages */
  readonly constructors?: MessageConstructors | undefined;
}

/**
 * Answers one request with a listener.
 *
 * @param dispatch Called once with node's request and response
 * @returns The result of a gateway application: an array at once if the response is complete when the listener
 *   returns
 * @throws what the listener throws before its response is complete
 * @throws TypeError if it is called as a listener itself
 */
export function serveListener(
  dispatch: Dispatch,
  environ: Environ,
  startResponse: StartResponse,
  options: MessageOptions = NO_OPTIONS,
): Body | Promise<Body> {
  // A program that uses it as a listener passes a response here.
  if (typeof startResponse !== 'function') return refuseListenersCall(environ);
  const exchange = new Exchange(environ, startResponse, options.constructors ?? plainMessages);
  if (options.joinDuplicateHeaders ?? LISTENER_OPTIONS.joinDuplicateHeaders.default)
    exchange.request.joinDuplicateHeaders = true;
  if (environ.SCRIPT_NAME) Object.assign(exchange.request, mountProperties(environ));
  return exchange.run(dispatch);
}

/**
 * Refuses the call of an application as a listener, as by `app.use(fromExpress(other))`.
 *
 * @param caller The first argument
 * @returns a rejected promise for Fastify, which would not catch what its plugin throws
 * @throws TypeError in all other cases
 */
export function refuseListenersCall(caller: unknown): Promise<never> {
  return refuseCall(
    'Application was called without startResponse: mount it by toExpress(application), toFastify(application) or ' +
      'toNode(application), or serve it',
    caller,
  );
}

const NO_OPTIONS: MessageOptions = {};
