/**
 * Gateway → node: makes a request listener for node:http, node:https and node:http2 of an application.
 *
 * Frameworks that pass on node's own request and response, such as Koa and Nest, take the listener too, and Connect
 * mounts it under a path. Errors get a 500, because a listener has nobody to pass them to.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { isNodeResponse, markAdapter, refuseMessages } from '../../src/gateway/index.ts';
import { type Application, checkGatewayOptions, toApplication } from '../../src/index.ts';
import { NodeSink } from '../_node/node-sink.ts';
import { readRouting } from '../_node/routing.ts';
import { type MountOptions, serve } from '../_node/serve-request.ts';

/** Options of {@link toNode}. */
export interface ToNodeOptions extends MountOptions {}

/** A listener for the `request` and `checkContinue` events of every node server. */
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
 * @param options Options of the mount
 * @throws TypeError or RangeError if the application or an option is invalid
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
  const listener: NodeListener = (anyRequest, anyResponse) => {
    if (!isNodeResponse(anyResponse)) return refuseMessages('toNode', anyRequest);
    // HTTP/2's compatibility API has the same methods; the sink knows the differences.
    const req = anyRequest as IncomingMessage;
    const res = anyResponse as ServerResponse;
    void serve(mount, { req, res, routing: readRouting(req) }, new NodeSink(req, res));
    return undefined;
  };
  return markAdapter(listener, 'toNode');
}
