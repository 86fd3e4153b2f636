/**
 * A listener for node's 'request' event as a gateway application: what all bridges from node's world share.
 */
import type { Body, Environ, StartResponse } from '../wsgi.ts';
import { type Dispatch, Exchange } from './exchange.ts';
import type { ListenerOptions } from './listener-options.ts';
import { type MessageConstructors, plainMessages } from './message-constructors.ts';
import { fullUrl, mountUrl } from './request/request-target.ts';

/** The same with what only bridges know. */
export interface MessageOptions extends ListenerOptions {
  /** @default those of node's own messages */
  readonly constructors?: MessageConstructors | undefined;
}

/**
 * Answers one request with a listener.
 *
 * @param dispatch Called once with node's request and response
 * @param environ The environ of the request
 * @param startResponse PEP 3333's
 * @param options What the messages are to be like
 * @returns What a gateway application returns: an array at once if the response is complete when the listener returns
 * @throws what the listener throws before its response is complete
 * @throws TypeError if it is called as a listener itself
 */
export function serveListener(
  dispatch: Dispatch,
  environ: Environ,
  startResponse: StartResponse,
  options: MessageOptions = NO_OPTIONS,
): Body | Promise<Body> {
  // Who forgets that it is no listener any more, as in `app.use(fromExpress(other))`, has a response in this place.
  if (typeof startResponse !== 'function') {
    throw new TypeError(
      'Application was called without startResponse: mount it by toExpress, toFastify or toNode, or serve it',
    );
  }
  const exchange = new Exchange(environ, startResponse, options.constructors ?? plainMessages);
  if (options.joinDuplicateHeaders === true) exchange.request.joinDuplicateHeaders = true;
  // What Connect and Express leave on a request on its way into a mount; what is mounted further in goes on from there.
  if (environ.SCRIPT_NAME) {
    Object.assign(exchange.request, { baseUrl: mountUrl(environ), originalUrl: fullUrl(environ) });
  }
  return exchange.run(dispatch);
}

const NO_OPTIONS: MessageOptions = {};
