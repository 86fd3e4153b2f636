/**
 * Gateway → node: an application as a request listener of node:http, node:https and node:http2.
 *
 * The listener is also what frameworks take that hand out node's own request and response, such as Koa and Nest, and
 * what Connect mounts under a path. Errors are answered here, with a 500: a listener has nobody to pass them to.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { type Application, checkGatewayOptions, toApplication } from '../../src/index.ts';
import { NodeSink } from '../_node/node-sink.ts';
import { readRouting } from '../_node/routing.ts';
import { type MountOptions, serve } from '../_node/serve-request.ts';

/** What a deployer decides about an application that a node server runs. */
export interface ToNodeOptions extends MountOptions {}

/** A listener for the `request` event of every server of node, and for `checkContinue`. */
export type NodeListener = (
  req: IncomingMessage | Http2ServerRequest,
  res: ServerResponse | Http2ServerResponse,
) => void;

/**
 * Makes a request listener of an application.
 *
 * The application finds the host objects as `node.req` and `node.res` in its environ.
 *
 * @param application The application, in any of its forms
 * @param options What the deployer decided
 * @throws TypeError or RangeError if the application has none of the three forms, or an option a wrong value
 * @example
 * const hello = (environ, startResponse) => {
 *   startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *   return [Buffer.from('Hello')];
 * };
 * http.createServer(toNode(hello)).listen(8124);
 */
export function toNode(application: Application, options: ToNodeOptions = {}): NodeListener {
  checkGatewayOptions(options);
  const mount = { application: toApplication(application), options };
  return (anyRequest, anyResponse) => {
    // The compatibility API of HTTP/2 has the same methods, and the sink knows where it differs.
    const req = anyRequest as IncomingMessage;
    const res = anyResponse as ServerResponse;
    void serve(mount, { req, res, routing: readRouting(req) }, new NodeSink(req, res));
  };
}
