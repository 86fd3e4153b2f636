/**
 * Gateway → Fastify: makes a plugin of an application, which answers everything below its prefix.
 *
 * The plugin is encapsulated, so that its content type parser, which leaves content alone, is in force for the
 * application only. Hooks, decorators and the error handler of the scopes around it work as for any route.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { isError, markAdapter, type OptionsOf, refuseCall } from '../../src/gateway/index.ts';
import { type Application, checkGatewayOptions, type Environ, toApplication } from '../../src/index.ts';
import type { HostBody } from '../_node/consumed-body.ts';
import type { HostHeaders } from '../_node/host-fields.ts';
import type { HostRequest, TrustedHop } from '../_node/node-request.ts';
import { type Mount, type MountOptions, serve } from '../_node/serve-request.ts';
import { keepUpgrades, noteForeignUpgrade } from './foreign-upgrades.ts';
import type {
  FastifyReplyLike,
  FastifyRequestLike,
  FastifyRouteLike,
  FastifyScope,
  LastHooks,
} from './instance.ts';
import { declareOtherMethods } from './methods.ts';
import { type FailingSink, HijackSink, ReplySink } from './reply-sink.ts';
import { type Prefix, prefixOf, readRouting } from './routing.ts';

/** The options of `toFastify` besides those of every mount. */
export const FASTIFY_OPTIONS = {
  /**
   * Sends the response past Fastify. That is faster, but `onSend` hooks do not see it, and plugins such as
   * compression do nothing. Headers that hooks have set on the reply are sent.
   */
  hijack: { type: 'boolean', default: false },
} as const;

/** Options of {@link toFastify}. */
export interface ToFastifyOptions extends MountOptions, OptionsOf<typeof FASTIFY_OPTIONS> {}

/** A Fastify plugin, for `register(plugin, { prefix })`. */
export type FastifyPlugin = (scope: FastifyScope, options: object, done: (error?: Error) => void) => void;

/**
 * Makes a Fastify plugin of an application.
 *
 * The application finds the host objects as `fastify.request` and `fastify.reply` in its environ.
 *
 * @param application The application, in any of its forms
 * @param options Options of the mount
 * @throws TypeError or RangeError if the application or an option is invalid
 * @example
 * const hello = (environ, startResponse) => {
 *   startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *   return [Buffer.from(`Hello from ${environ.SCRIPT_NAME}`)];
 * };
 * const app = fastify();
 * app.register(toFastify(hello), { prefix: '/hello' });
 * await app.listen({ port: 8124 });
 */
export function toFastify(application: Application, options: ToFastifyOptions = {}): FastifyPlugin {
  checkGatewayOptions(options, FASTIFY_OPTIONS);
  const mount = { application: toApplication(application), options, findBody, addObjects };
  const plugin: FastifyPlugin = (scope, _options, done) => {
    if (!isScope(scope)) return refuseScope(scope);
    try {
      mountIn(scope, mount);
    } catch (error) {
      // Fastify catches nothing that a plugin throws.
      done(isError(error) ? error : new Error(`${error}`));
      return undefined;
    }
    done();
    return undefined;
  };
  return markAdapter(plugin, 'toFastify');
}

function mountIn(scope: FastifyScope, mount: Omit<FastifyMount, 'prefix'>): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
  // This hook adds hooks, so that they come after those that other plugins add to each route.
  scope.addHook('onRoute', (route) => {
    appendHooks(route, hooksFor(route));
    keepUpgrades(route, handler);
  });
  // Every request is made with the property, so that it keeps its shape.
  scope.decorateRequest(STATE, undefined);
  const fastifyMount = { ...mount, prefix: prefixOf(scope) };
  const handler = (request: FastifyRequestLike, reply: FastifyReplyLike): unknown =>
    answer(fastifyMount, request, reply);
  const parsed = scope.supportedMethods.filter((method) => !BODYLESS.includes(method));
  const others = scope.prefix === '' ? [] : declareOtherMethods(scope);
  for (const url of ['/', '/*']) {
    // Pages made of routes (@fastify/swagger) leave hidden routes out: these two are no part of an API.
    const schema = { hide: true };
    for (const method of [BODYLESS, parsed, others]) {
      if (method.length > 0) scope.route({ method: [...method], url, handler, schema });
    }
  }
}

function isScope(scope: unknown): boolean {
  // Read as any caller in JavaScript may pass it.
  return typeof (scope as Partial<FastifyScope> | undefined)?.removeAllContentTypeParsers === 'function';
}

function refuseScope(scope: unknown): unknown {
  return refuseCall(
    'toFastify(application) makes a plugin of Fastify 5: pass it to register(plugin, { prefix }), ' +
      'and use toNode or toExpress for other hosts',
    scope,
  );
}

/** Our state of a request: first the stream to read, decoded by hooks, then the sink. */
const STATE = Symbol('gatebridge.state');

interface MountedRequest extends FastifyRequestLike {
  readonly additionalHeaders?: HostHeaders | undefined;
  [STATE]?: Readable | ReplySink | undefined;
}

/** One request, for the code that all bridges share. */
interface FastifyHostRequest extends HostRequest {
  readonly request: MountedRequest;
  readonly reply: FastifyReplyLike;
}

interface FastifyMount extends Mount<FastifyHostRequest> {
  readonly options: ToFastifyOptions;
  readonly prefix: Prefix;
}

/** Throws, or rejects with, the very value that the application threw, for Fastify's error handler. */
function answer(mount: FastifyMount, request: MountedRequest, reply: FastifyReplyLike): unknown {
  const state = request[STATE];
  // HTTP/2's compatibility API has the same methods.
  const req = request.raw as IncomingMessage;
  noteForeignUpgrade(req, reply);
  const hostRequest = {
    req,
    res: reply.raw as ServerResponse,
    routing: readRouting(req, mount.prefix),
    stream: state instanceof ReplySink ? undefined : state,
    headers: changedHeaders(request),
    // Fastify lists addresses only with its option trustProxy.
    hop: request.ips === undefined ? undefined : trustedHop(request),
    request,
    reply,
  };
  let sink: FailingSink;
  if (mount.options.hijack ?? FASTIFY_OPTIONS.hijack.default) sink = new HijackSink(request, reply);
  else request[STATE] = sink = new ReplySink(request, reply);
  const running = serve(mount, hostRequest, sink);
  if (sink.failure !== undefined) throw sink.failure.error;
  return running === undefined ? undefined : settle(running, sink, reply);
}

function settle(running: Promise<void>, sink: FailingSink, reply: FastifyReplyLike): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.onFailure = reject;
    // Fastify would send an empty reply if a handler ended without one.
    void running.then(() => (reply.sent ? resolve() : undefined));
  });
}

const LAST_HOOKS: LastHooks = {
  preParsing(request: MountedRequest, _reply, payload, done) {
    request[STATE] = payload;
    // Fastify answers 415 to an invalid Content-Type without asking a parser.
    const type = request.headers['content-type'];
    if (!isMediaType(type)) {
      hiddenTypes.set(request, type);
      request.headers = { ...addedTo(request), 'content-type': UNKNOWN_TYPE };
    }
    done(null, payload);
  },
  onSend(request: MountedRequest, _reply, payload, done) {
    const state = request[STATE];
    if (state instanceof ReplySink) state.settle(payload);
    done(null, payload);
  },
  onError(request: MountedRequest, _reply, _error, done) {
    const state = request[STATE];
    if (state instanceof ReplySink) state.withdraw();
    done();
  },
};

function trustedHop({ protocol, host, ip }: FastifyRequestLike): TrustedHop {
  return { protocol, host, ip };
}

/** Methods whose content Fastify never parses. */
const BODYLESS: readonly string[] = ['GET', 'HEAD'];

/** Leaves out preParsing where there is no content to decode: each hook slows a request down (Node 20). */
function hooksFor(route: FastifyRouteLike & Partial<LastHooks>): Partial<LastHooks> {
  const isBodyless = [route.method].flat().every((method) => BODYLESS.includes(method));
  const { onSend, onError } = LAST_HOOKS;
  return isBodyless && route.preParsing === undefined ? { onSend, onError } : LAST_HOOKS;
}

/** Puts the hooks behind those that the route has by now. */
function appendHooks(route: object, hooks: Partial<LastHooks>): void {
  const hooked: Record<string, unknown> = { ...route };
  for (const [name, hook] of Object.entries(hooks)) {
    const present = hooked[name];
    Object.assign(route, { [name]: [...(present === undefined ? [] : [present].flat()), hook] });
  }
}

/** The invalid Content-Types that we hide from Fastify, by request. */
const hiddenTypes = new WeakMap<object, unknown>();

/** Gives the headers of a request to which hooks have added by `request.headers = …`; undefined if none has. */
function changedHeaders(request: MountedRequest): HostHeaders | undefined {
  if (addedTo(request) === undefined) return undefined;
  const { headers } = request;
  const isHidden = headers['content-type'] === UNKNOWN_TYPE && hiddenTypes.has(request);
  return isHidden ? { ...headers, 'content-type': hiddenTypes.get(request) } : headers;
}

/** Gives what was added. Fastify keeps it under this name; asking for all headers would make node's object. */
function addedTo(request: MountedRequest): HostHeaders | undefined {
  return request.additionalHeaders;
}

const UNKNOWN_TYPE = 'application/octet-stream';
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+[ \t]*(?:;|$)/;

function isMediaType(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && MEDIA_TYPE.test(value));
}

function addObjects(environ: Environ, { request, reply }: FastifyHostRequest): void {
  environ['fastify.request'] = request;
  environ['fastify.reply'] = reply;
}

/** Parsers of Express, by middie or @fastify/express, leave their results on node's request. */
function findBody({ request, req }: FastifyHostRequest): HostBody {
  return {
    body: request.body ?? kept(req, 'body'),
    rawBody: kept(request, 'rawBody') ?? kept(req, 'rawBody'),
  };
}

/** Reads what a plugin or middleware has left on a request; no type tells of it. */
function kept(request: object, name: 'body' | 'rawBody'): unknown {
  return name in request ? Reflect.get(request, name) : undefined;
}
