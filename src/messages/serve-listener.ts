/** Turns a listener for node's 'request' event into a gateway application, for all bridges from node's world. */
import type { Body, Environ, StartResponse } from '../wsgi.ts';
import { type Dispatch, Exchange } from './exchange.ts';
import { LISTENER_OPTIONS, type ListenerOptions } from './listener-options.ts';
import { type MessageConstructors, plainMessages } from './message-constructors.ts';
import { fullUrl, mountUrl } from './request/request-target.ts';

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
  // A program that uses it as a listener, as in `app.use(fromExpress(other))`, passes a response here.
  if (typeof startResponse !== 'function') {
    throw new TypeError(
      'Application was called without startResponse: mount it by toExpress, toFastify or toNode, or serve it',
    );
  }
  const exchange = new Exchange(environ, startResponse, options.constructors ?? plainMessages);
  if (options.joinDuplicateHeaders ?? LISTENER_OPTIONS.joinDuplicateHeaders.default)
    exchange.request.joinDuplicateHeaders = true;
  // Connect and Express leave these on a request on its way into a mount, and mounts further in add to them.
  if (environ.SCRIPT_NAME) {
    Object.assign(exchange.request, { baseUrl: mountUrl(environ), originalUrl: fullUrl(environ) });
  }
  return exchange.run(dispatch);
}

const NO_OPTIONS: MessageOptions = {};
