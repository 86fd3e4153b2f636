/**
 * Gateway → Express: makes a request handler of an application, for routes and for `app.use` with and without a path.
 *
 * The mount path becomes SCRIPT_NAME. An error before the response has begun becomes Express's error, the very value;
 * headers that middleware has set stay. Nothing here imports Express: its request and response are node's, with more
 * properties.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  isNodeResponse,
  markAdapter,
  type OptionsOf,
  refuseMessages,
  settingsOf,
} from '../../src/gateway/index.ts';
import { type Application, checkGatewayOptions, type Environ, toApplication } from '../../src/index.ts';
import type { HostRequest, TrustedHop } from '../_node/node-request.ts';
import { NodeSink } from '../_node/node-sink.ts';
import { type RoutedRequest, readRouting } from '../_node/routing.ts';
import { type MountOptions, serve } from '../_node/serve-request.ts';
import { type ExpressNext, ExpressSink, PassingSink } from './express-sink.ts';

export type { ExpressNext } from './express-sink.ts';

/** The options of `toExpress` besides those of every mount. */
export const EXPRESS_OPTIONS = {
  /**
   * Chooses the answers that are not sent, so that Express goes on to the next handler: none (`false`), each 404 with
   * `X-Cascade: pass` (`'cascade'`), or every 404 (`true`).
   */
  fallthrough: { type: [false, true, 'cascade'], default: false },
  /**
   * With `fallthrough`: octets of content that the application may read before such an answer. They are put back for
   * the next handler. If it read more, `next` gets an error.
   */
  maxReplay: { type: 'octets', default: 1_048_576 },
} as const;

/** Options of {@link toExpress}. */
export interface ToExpressOptions extends MountOptions, OptionsOf<typeof EXPRESS_OPTIONS> {}

/** A request handler of Express, in node's types. */
export type ExpressHandler = (
  req: IncomingMessage & RoutedRequest,
  res: ServerResponse,
  next: ExpressNext,
) => void;

/**
 * Makes a request handler of an application.
 *
 * The application finds the host objects as `express.req` and `express.res` in its environ.
 *
 * @param application The application, in any of its forms
 * @param options Options of the mount
 * @throws TypeError or RangeError if the application or an option is invalid
 * @example
 * const hello = (environ, startResponse) => {
 *   startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *   return [Buffer.from(`Hello from ${environ.SCRIPT_NAME}`)];
 * };
 * express().use('/hello', toExpress(hello)).listen(8124);
 */
export function toExpress(application: Application, options: ToExpressOptions = {}): ExpressHandler {
  checkGatewayOptions(options, EXPRESS_OPTIONS);
  const { fallthrough, maxReplay } = settingsOf(EXPRESS_OPTIONS, options);
  const mount = { application: toApplication(application), options, addObjects };
  const handler: ExpressHandler = (req, res, next) => {
    if (!isNodeResponse(res)) return refuseMessages('toExpress', req);
    const hostRequest = { req, res, routing: readRouting(req), hop: trustedHop(req) };
    if (typeof next !== 'function') {
      // As a listener of a server it has nobody to pass errors and requests to.
      void serve(mount, hostRequest, new NodeSink(req, res));
    } else if (fallthrough === false) {
      void serve(mount, hostRequest, new ExpressSink(req, res, next));
    } else {
      const sink = new PassingSink(req, res, { next, fallthrough });
      void serve(mount, { ...hostRequest, openInput: () => sink.openInput(maxReplay) }, sink);
    }
    return undefined;
  };
  return markAdapter(handler, 'toExpress');
}

/** The members that Express adds to a request for proxies. */
interface ProxiedRequest extends IncomingMessage, TrustedHop {
  readonly app?: { readonly settings?: Readonly<Record<string, unknown>> };
}

/** Gives what Express says about the hop before a trusted proxy; undefined if it trusts none, as by default. */
function trustedHop(req: IncomingMessage): TrustedHop | undefined {
  // Connect has no app.
  const proxied = req as Partial<ProxiedRequest>;
  if (!proxied.app?.settings?.['trust proxy']) return undefined;
  const { protocol, host, ip } = proxied;
  return { protocol, host, ip };
}

function addObjects(environ: Environ, { req, res }: HostRequest): void {
  environ['express.req'] = req;
  environ['express.res'] = res;
}
