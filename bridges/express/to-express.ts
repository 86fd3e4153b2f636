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
import {
  type Application,
  ApplicationError,
  checkGatewayOptions,
  type Environ,
  type ResponseHead,
  toApplication,
} from '../../src/index.ts';
import type { HostRequest } from '../_node/node-request.ts';
import { NodeSink } from '../_node/node-sink.ts';
import { type RoutedRequest, readRouting } from '../_node/routing.ts';
import { type MountOptions, serve } from '../_node/serve-request.ts';

/** The options of `toExpress` besides those of every mount. */
export const EXPRESS_OPTIONS = {
  /**
   * Chooses the answers that are not sent, so that Express goes on to the next handler: none (`false`), each 404 with
   * `X-Cascade: pass` (`'cascade'`), or every 404 (`true`).
   */
  fallthrough: { type: [false, true, 'cascade'], default: false },
} as const;

/** Options of {@link toExpress}. */
export interface ToExpressOptions extends MountOptions, OptionsOf<typeof EXPRESS_OPTIONS> {}

/** Goes on to the next handler, with an error or without. */
export type ExpressNext = (error?: unknown) => void;

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
  const { fallthrough } = settingsOf(EXPRESS_OPTIONS, options);
  const mount = { application: toApplication(application), options, addObjects };
  const handler: ExpressHandler = (req, res, next) => {
    if (!isNodeResponse(res)) return refuseMessages('toExpress', req);
    // As a listener of a server it has nobody to pass errors to.
    const sink =
      typeof next === 'function' ? new ExpressSink(req, res, { next, fallthrough }) : new NodeSink(req, res);
    void serve(mount, { req, res, routing: readRouting(req) }, sink);
    return undefined;
  };
  return markAdapter(handler, 'toExpress');
}

function addObjects(environ: Environ, { req, res }: HostRequest): void {
  environ['express.req'] = req;
  environ['express.res'] = res;
}

interface Passing {
  readonly next: ExpressNext;
  readonly fallthrough: boolean | 'cascade';
}

class ExpressSink extends NodeSink {
  readonly #passing: Passing;
  #isPassed = false;

  constructor(req: IncomingMessage, res: ServerResponse, passing: Passing) {
    super(req, res);
    this.#passing = passing;
  }

  override writeHead(head: ResponseHead): void {
    this.#isPassed = fallsThrough(head, this.#passing.fallthrough);
    if (!this.#isPassed) super.writeHead(head);
  }

  override write(chunk: Uint8Array): Promise<void> | undefined {
    return this.#isPassed ? undefined : super.write(chunk);
  }

  override end(lastChunk?: Uint8Array): Promise<void> | undefined {
    if (!this.#isPassed) return super.end(lastChunk);
    this.#passing.next();
    return undefined;
  }

  override abort(error: unknown): void {
    if (!this.#isPassed && this.hasHeadFailed) this.fail(error);
    else if (!this.#isPassed) super.abort(error);
    else if (!this.res.destroyed) this.fail(error);
  }

  fail(error: unknown): void {
    this.#passing.next(isCommand(error) ? new ApplicationError('WSGI_ERR_THROWN_VALUE', `${error}`) : error);
  }
}

/** Tells if `next` takes a value for no error: a falsy one, and two words. */
function isCommand(error: unknown): boolean {
  return !error || error === 'route' || error === 'router';
}

function fallsThrough(head: ResponseHead, fallthrough: boolean | 'cascade'): boolean {
  if (head.statusCode !== 404 || fallthrough === false) return false;
  return fallthrough === true || head.headers.some(([name, value]) => isCascade(name, value));
}

/** Checks for Rack's sign to ask the next handler. */
function isCascade(name: string, value: string): boolean {
  return name.toLowerCase() === 'x-cascade' && value.trim().toLowerCase() === 'pass';
}
