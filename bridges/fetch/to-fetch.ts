/**
 * Gateway → Fetch: makes a handler of an application that takes a `Request` and gives a `Response`, as Deno, Bun, workers
 * at the edge, Hono, h3, SvelteKit, Next and React Router call it.
 *
 * Rule: nothing here, and nothing that it reaches, needs more than the Fetch API: no `node:` module, no Buffer, no
 * `process`. An architecture test and a bundle that runs without them hold it.
 */
import {
  createReceivedEnviron,
  failWith,
  logOf,
  markAdapter,
  refuseCall,
  tryPairs,
} from '../../src/gateway/index.ts';
import {
  type Application,
  type ApplicationFunction,
  checkGatewayOptions,
  type Environ,
  type EnvironOptions,
  type GatewayOptions,
  runApplication,
  toApplication,
} from '../../src/index.ts';
import { checkInfo, type FetchInfo } from './fetch-info.ts';
import { createFetchRequest } from './fetch-request.ts';
import { FetchSink } from './fetch-sink.ts';

export type { FetchInfo } from './fetch-info.ts';

/** Options of {@link toFetch}. */
export interface ToFetchOptions extends EnvironOptions, GatewayOptions {}

/** Answers a `Request` with a `Response`. */
export type FetchHandler = (request: Request, info?: FetchInfo) => Promise<Response>;

/**
 * Makes a handler of the Fetch API of an application.
 *
 * The application finds the request as `fetch.request` and the second argument as `fetch.info` in its environ.
 *
 * The promise resolves with the head of the response; its body asks the application for a chunk when it is read. It rejects
 * for a wrong argument only: an application that fails gives a 500.
 *
 * @param application The application, in any of its forms
 * @param options Options of the environ and of every host
 * @throws TypeError or RangeError if the application or an option is invalid
 * @example
 * const hello = (environ, startResponse) => {
 *   startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *   return [new TextEncoder().encode('Hello')];
 * };
 * Deno.serve(toFetch(hello));
 */
export function toFetch(application: Application, options: ToFetchOptions = {}): FetchHandler {
  checkGatewayOptions(options);
  const call = toApplication(application);
  const handler: FetchHandler = (request, info) => {
    if (!isFetchRequest(request)) return refuseCall(explain(request), request);
    try {
      checkInfo(info);
      return answer({ call, options }, request, info ?? undefined);
    } catch (error) {
      return Promise.reject(error);
    }
  };
  return markAdapter(handler, 'toFetch');
}

interface Mount {
  readonly call: ApplicationFunction;
  readonly options: ToFetchOptions;
}

function answer({ call, options }: Mount, received: Request, info: FetchInfo | undefined): Promise<Response> {
  const request = createFetchRequest(received, info);
  let application = call;
  let environ: Environ;
  try {
    environ = createReceivedEnviron(request, options);
  } catch (error) {
    // A request that cannot become an environ fails like any other.
    application = failWith(error);
    environ = createReceivedEnviron({ ...request, rawHeaders: [] }, options);
  }
  environ['fetch.request'] = received;
  if (info !== undefined) environ['fetch.info'] = info;
  // The deployer's own values win.
  for (const pairs of [options.environ, info?.environ ?? undefined]) {
    const failure = tryPairs(environ, pairs);
    if (failure !== undefined && application === call) application = failure;
  }
  const sink = new FetchSink(received, { log: logOf(environ), exposeErrors: options.exposeErrors });
  const running = runApplication(application, environ, sink, options);
  const over =
    running === undefined ? request.input?.release() : running.then(() => request.input?.release());
  if (over !== undefined) keepRunning(over, sink, info);
  return sink.response();
}

/** @throws what `waitUntil` throws; the caller gets no response then, and so nobody reads it */
function keepRunning(over: Promise<void>, sink: FetchSink, info: FetchInfo | undefined): void {
  try {
    info?.waitUntil?.(over);
  } catch (error) {
    void sink.response().then(({ body }) => body?.cancel());
    throw error;
  }
}

/** Frameworks make requests of their own classes, so the members tell. */
function isFetchRequest(value: unknown): value is Request {
  // Read as any caller in JavaScript may pass it.
  const { url, headers } = (value ?? {}) as { url?: unknown; headers?: { get?: unknown } };
  return typeof url === 'string' && typeof headers?.get === 'function';
}

/** Says what to pass, by the members of what people pass instead. */
function explain(value: unknown): string {
  const takes = 'toFetch(application) takes a Request of the Fetch API';
  // Read as any caller in JavaScript may pass it.
  const { req, request } = (value ?? {}) as { req?: { raw?: unknown }; request?: unknown };
  if (isFetchRequest(req?.raw)) return `${takes}: pass context.req.raw`;
  if (isFetchRequest(req)) return `${takes}: pass event.req`;
  if (isFetchRequest(request)) return `${takes}: pass event.request`;
  return `${takes}: give our own hosts the application itself, and mount it in frameworks for node by toNode, toExpress or toFastify`;
}
