/**
 * Gateway → AWS Lambda: makes a handler of an application, for events of API Gateway, Application Load Balancer,
 * Function URL and VPC Lattice.
 *
 * Rule 1: an invocation ends when the run of its application has ended, with `close()` and the callbacks of
 *         `gateway.on_finished`: Lambda freezes the process then.
 * Rule 2: no state is shared by invocations. A process may serve many at the same time.
 */
import {
  createReceivedEnviron,
  failWith,
  markAdapter,
  type OptionsOf,
  tryPairs,
} from '../../src/gateway/index.ts';
import {
  type Application,
  type ApplicationFunction,
  checkGatewayOptions,
  type Environ,
  type EnvironOptions,
  type GatewayOptions,
  type GatewayRequest,
  type ResponseSink,
  runApplication,
  toApplication,
} from '../../src/index.ts';
import { addMessage, createEventRequest } from './event-request.ts';
import { type EventShape, shapeOf } from './event-shapes.ts';
import { escapePath, membersOf } from './event-text.ts';
import { lambdaErrors } from './lambda-errors.ts';
import { LambdaSink, type SinkSettings } from './lambda-sink.ts';
import type { LambdaResult } from './result.ts';
import { type LambdaResponseStream, LambdaStreamSink, openStream, type StreamOpener } from './stream-sink.ts';

/** The options of `toLambda` besides those of every host. */
export const LAMBDA_OPTIONS = {
  /**
   * Sends the response as a stream, which a Function URL takes in the mode RESPONSE_STREAM and a REST API with the transfer mode
   * STREAM. The other platforms cannot.
   */
  streaming: { type: [true, false], default: false },
  /**
   * The path below which clients reach the application: the mapping of a domain, the path of a rule or a route. It becomes
   * SCRIPT_NAME, whether the platform has taken it off the path or not.
   */
  basePath: { type: 'text', default: '' },
  /**
   * Content goes as text if it is UTF-8 and has no Content-Encoding, else as base64 (`'auto'`), or always as base64
   * (`'always'`).
   */
  base64: { type: ['auto', 'always'], default: 'auto' },
  /**
   * Octets of a response. A larger one is a 500, and is logged. By default what the platform passes on: 6 MB of JSON, 1 MB for a
   * load balancer, 200 MB of content as a stream.
   */
  maxResponseSize: { type: 'octets' },
} as const;

/** Octets of a stream that Lambda passes on, unless the account has another quota. */
const STREAM_LIMIT = 209_715_200;

/** Options of {@link toLambda}. */
export interface ToLambdaOptions extends EnvironOptions, GatewayOptions, OptionsOf<typeof LAMBDA_OPTIONS> {}

/** The context that Lambda's runtime gives to a handler, as far as it is used. */
export interface LambdaContext {
  callbackWaitsForEmptyEventLoop?: boolean;
}

/** A handler of Lambda. */
export type LambdaHandler = (event: object, context?: LambdaContext) => Promise<LambdaResult>;

/** A handler of Lambda that streams its response. */
export type LambdaStreamingHandler = (
  event: object,
  responseStream: LambdaResponseStream,
  context?: LambdaContext,
) => Promise<void>;

/**
 * Makes a handler of AWS Lambda of an application.
 *
 * The application finds the event and the context as `lambda.event` and `lambda.context` in its environ.
 *
 * @param application The application, in any of its forms
 * @param options Options of the handler
 * @returns a handler, which rejects with a TypeError for an event that carries no request
 * @throws TypeError or RangeError if the application or an option is invalid
 * @example
 * export const handler = toLambda(fromExpress(app));
 */
export function toLambda(
  application: Application,
  options: ToLambdaOptions & { readonly streaming: true },
): LambdaStreamingHandler;
export function toLambda(
  application: Application,
  options?: ToLambdaOptions & { readonly streaming?: false | undefined },
): LambdaHandler;
export function toLambda(
  application: Application,
  options: ToLambdaOptions = {},
): LambdaHandler | LambdaStreamingHandler {
  checkGatewayOptions(options, LAMBDA_OPTIONS);
  const mount: Mount = {
    application: toApplication(application),
    basePath: readBasePath(options.basePath ?? ''),
    options,
  };
  const handler =
    options.streaming === true ? streamifyResponse(createStreaming(mount)) : createHandler(mount);
  return markAdapter(handler, 'toLambda');
}

/** An application with the settings of its handler. */
interface Mount {
  readonly application: ApplicationFunction;
  readonly basePath: string;
  readonly options: ToLambdaOptions;
}

// The runtime tells by the kind of a function that it may wait for a promise, and refuses three parameters.
function createHandler(mount: Mount): LambdaHandler {
  return async (event, context) => {
    const shape = shapeOf(event);
    const request = readRequest(event, shape, mount.basePath);
    const sink = new LambdaSink(settingsFor(mount, request, shape));
    await run(mount, { request, event, context }, sink);
    if (sink.failure !== undefined) throw sink.failure.error;
    if (sink.result === undefined) throw new Error('Application has ended without a response');
    return sink.result;
  };
}

function createStreaming(mount: Mount): LambdaStreamingHandler {
  const open = streamOpener();
  return async (event, responseStream, context) => {
    if (typeof membersOf(responseStream).write !== 'function')
      throw new TypeError(
        'A handler with the option streaming is called with (event, responseStream, context)',
      );
    const shape = shapeOf(event);
    if (!shape.canStream)
      throw new TypeError(`${shape.name} takes no stream: leave out the option streaming`);
    // Otherwise the runtime waits with the next invocation until no connection is open (runtime client 3).
    if (context !== undefined) context.callbackWaitsForEmptyEventLoop = false;
    const request = readRequest(event, shape, mount.basePath);
    const sink = new LambdaStreamSink(responseStream, open, settingsFor(mount, request, shape));
    await run(mount, { request, event, context }, sink);
    await sink.ended;
    if (sink.failure !== undefined) throw sink.failure.error;
  };
}

/** A request of an event, or the reason why it is none. */
interface ReadRequest {
  readonly request: GatewayRequest;
  readonly failure?: { readonly error: unknown } | undefined;
}

function readRequest(event: object, shape: EventShape, basePath: string): ReadRequest {
  const read = shape.read(membersOf(event));
  const request = { ...createEventRequest(read, basePath), errors: lambdaErrors };
  try {
    return { request: addMessage(request, read) };
  } catch (error) {
    return { request, failure: { error } };
  }
}

/** One invocation. */
interface Invocation {
  readonly request: ReadRequest;
  readonly event: object;
  readonly context: LambdaContext | undefined;
}

async function run(mount: Mount, { request, event, context }: Invocation, sink: ResponseSink): Promise<void> {
  const { options } = mount;
  let failing = request.failure && failWith(request.failure.error);
  let environ: Environ;
  try {
    environ = createReceivedEnviron(request.request, options);
  } catch (error) {
    // A request that cannot become an environ fails like any other.
    failing = failWith(error);
    environ = createReceivedEnviron({ ...request.request, rawHeaders: [] }, options);
  }
  environ['lambda.event'] = event;
  if (context !== undefined) environ['lambda.context'] = context;
  // The deployer's own values win.
  const failure = tryPairs(environ, options.environ);
  failing ??= failure;
  await runApplication(failing ?? mount.application, environ, sink, options);
}

function settingsFor({ options }: Mount, { request }: ReadRequest, shape: EventShape): SinkSettings {
  return {
    isHead: request.method === 'HEAD',
    limit: options.maxResponseSize ?? (options.streaming === true ? STREAM_LIMIT : shape.limit),
    base64: options.base64 ?? LAMBDA_OPTIONS.base64.default,
    exposeErrors: options.exposeErrors ?? false,
    formatHead: shape.formatHead,
  };
}

/** Gives the path as a request target has it: with a slash in front and none behind. */
function readBasePath(text: string): string {
  const path = text.replace(/\/+$/, '');
  return path === '' ? '' : escapePath(path, false);
}

/** The globals of Lambda's runtime that are used here. */
interface LambdaGlobals {
  streamifyResponse?(handler: LambdaStreamingHandler): LambdaStreamingHandler;
  readonly HttpResponseStream?: { readonly from: StreamOpener };
}

function lambdaGlobals(): LambdaGlobals {
  return membersOf(Reflect.get(globalThis, 'awslambda'));
}

/** The mark by which the runtime knows a handler that streams. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

/** Tells the runtime that a handler streams. Without the runtime, as in a test, the mark is the same. */
function streamifyResponse(handler: LambdaStreamingHandler): LambdaStreamingHandler {
  const { streamifyResponse: streamify } = lambdaGlobals();
  return streamify?.(handler) ?? Object.assign(handler, { [STREAMING]: 'response' });
}

function streamOpener(): StreamOpener {
  const { HttpResponseStream } = lambdaGlobals();
  return HttpResponseStream === undefined
    ? openStream
    : (stream, head) => HttpResponseStream.from(stream, head);
}
