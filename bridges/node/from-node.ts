/**
 * node:http → gateway: a request listener becomes an application.
 *
 * The listener gets node's own IncomingMessage and ServerResponse. What they are connected to is the affair of
 * src/messages; here is only how a listener is called.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkOptions } from '../../src/gateway/index.ts';
import type { ApplicationFunction } from '../../src/index.ts';
import {
  LISTENER_OPTIONS,
  type ListenerOptions,
  serveListener,
  wrapListener,
} from '../../src/messages/index.ts';

/** A listener for the `request` event of node:http; it may be asynchronous. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Options of {@link fromNode}. */
export interface FromNodeOptions extends ListenerOptions {}

/**
 * Makes a gateway application of a listener for node:http.
 *
 * Mounted below a path, the listener sees `request.url` without the mount. What it throws before its response is
 * complete, or rejects with, reaches the gateway as the very value.
 *
 * @param listener Called with node's request and response
 * @param options What http.createServer would be told
 * @returns The application
 * @throws TypeError if the listener is no function, or an option unknown or wrong
 * @example
 * const application = fromNode((request, response) => {
 *   response.setHeader('Content-Type', 'text/plain');
 *   response.end(`Hello ${request.url}`);
 * });
 */
export function fromNode(listener: RequestHandler, options: FromNodeOptions = {}): ApplicationFunction {
  if (typeof listener !== 'function') {
    const hint = typeof listener === 'object' ? '; use fromFastify for an instance of Fastify' : '';
    throw new TypeError(`Listener must be a function of request and response, not ${typeof listener}${hint}`);
  }
  checkOptions(options, LISTENER_OPTIONS);
  return wrapListener(listener, (environ, startResponse) =>
    serveListener(listener, environ, startResponse, options),
  );
}
