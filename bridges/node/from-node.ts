/**
 * node:http → gateway: makes an application of a request listener.
 *
 * The listener gets node's own IncomingMessage and ServerResponse. src/messages connects them to the gateway; this
 * file only calls the listener.
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
 * Mounted below a path, the listener sees `request.url` without the mount. The very value that it throws or rejects
 * with before its response is complete reaches the gateway.
 *
 * @param listener Called with node's request and response
 * @param options As for http.createServer
 * @returns the application
 * @throws TypeError if the listener is no function, or an option is unknown or wrong
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
