/**
 * node:http → gateway: makes an application of a request listener.
 *
 * The listener gets node's own IncomingMessage and ServerResponse. src/messages connects them to the gateway; this
 * file only calls the listener.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkOptions, isEventServer } from '../../src/gateway/index.ts';
import type { ApplicationFunction } from '../../src/index.ts';
import {
  emitRequests,
  LISTENER_OPTIONS,
  type ListenerOptions,
  type ProgramServer,
  serveListener,
  serveUpgrade,
  wrapListener,
} from '../../src/messages/index.ts';

/**
 * A listener for the `request` event of node:http; it may be asynchronous.
 *
 * If it takes `next`, it is middleware such as serve-static. There is no next handler: a request that it passes on is
 * a 404, and an error is the application's.
 */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => unknown;

type Listener = (this: unknown, request: IncomingMessage, response: ServerResponse) => unknown;

/** Options of {@link fromNode}. */
export interface FromNodeOptions extends ListenerOptions {}

/**
 * Makes a gateway application of a listener for node:http.
 *
 * Mounted below a path, the listener sees `request.url` without the mount. The very value that it throws or rejects
 * with before its response is complete reaches the gateway.
 *
 * @param listener Called with node's request and response; middleware such as serve-static gets `next` too. Or a server of
 *   node:http that never listens, with its listeners of `request` and `upgrade`, such as those of ws and socket.io
 * @param options As for http.createServer
 * @returns the application
 * @throws TypeError if the listener is no function, or an option is unknown or wrong
 * @example
 * const application = fromNode((request, response) => {
 *   response.setHeader('Content-Type', 'text/plain');
 *   response.end(`Hello ${request.url}`);
 * });
 */
export function fromNode(
  listener: RequestHandler | ProgramServer,
  options: FromNodeOptions = {},
): ApplicationFunction {
  if (typeof listener !== 'function' && !isEventServer(listener)) {
    const hint = typeof listener === 'object' ? hintFor(listener) : '';
    throw new TypeError(`Listener must be a function of request and response, not ${typeof listener}${hint}`);
  }
  checkOptions(options, LISTENER_OPTIONS);
  if (isEventServer(listener)) return fromServer(listener, options);
  // Frameworks tell middleware by its number of parameters too.
  const dispatch = listener.length > 2 ? withNext(listener) : (listener as Listener);
  return wrapListener(dispatch, (environ, startResponse) =>
    serveListener(dispatch, environ, startResponse, options),
  );
}

/** Names the function for what frameworks give. */
function hintFor(value: unknown): string {
  const has = (name: string): boolean =>
    value !== null && typeof value === 'object' && typeof Reflect.get(value, name) === 'function';
  if (has('inject') && has('register')) return '; use fromFastify for an instance of Fastify';
  if (has('fetch')) return '; use fromFetch for an app with fetch, such as one of Hono';
  if (has('callback')) return '; pass app.callback() for an app of Koa';
  return '; use fromFastify for an instance of Fastify, and fromFetch for an app with fetch, such as one of Hono';
}

/** Lets a server that never listens emit requests and upgrades. */
function fromServer(server: ProgramServer, options: FromNodeOptions): ApplicationFunction {
  const dispatch = emitRequests(server);
  return wrapListener(
    dispatch,
    (environ, startResponse) =>
      serveUpgrade(server, environ) ?? serveListener(dispatch, environ, startResponse, options),
  );
}

/** Ends the chain behind middleware: an error is the application's, everything else a 404. */
function withNext(middleware: RequestHandler): Listener {
  return function listener(this: unknown, request, response) {
    return new Promise<void>((_resolve, reject) => {
      const next = (error?: unknown): void => {
        if (error) reject(error);
        else if (!response.headersSent) {
          response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not Found\n');
        }
      };
      // Only a failure counts: the response tells when the middleware is done.
      Promise.resolve(middleware.call(this, request, response, next)).catch(reject);
    });
  };
}
