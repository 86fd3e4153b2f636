/**
 * The hosts under audit: the standalone server, toNode, toExpress at two mounts, toFastify in two modes,
 * runCgi.
 *
 * All but runCgi listen on a real socket, at a free port of 127.0.0.1.
 */
import { spawn } from 'node:child_process';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, Router } from 'express';
import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import { toExpress, upgrades } from '../../bridges/express/index.ts';
import { toFastify, upgrades as upgradesOfFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import type {
  AuditCapability,
  AuditGatewayOptions,
  AuditHost,
  AuditServeOptions,
  Listener,
} from '../../src/conformance/index.ts';
import { createServer } from '../../src/server/index.ts';
import { compiledPackage } from '../cli/compiled.ts';
import { createLog, listen, type NetServer, SHARED_KEY } from './listening.ts';
import { MIDDLEWARE } from './middleware.ts';
import { MISTAKES } from './mistakes.ts';
import { WRAPPERS } from './wrappers.ts';

/** The capabilities of every host that serves over sockets. */
const COMMON: readonly AuditCapability[] = [
  'serve',
  'field-lines',
  'http1',
  'as-received',
  'plain',
  'tls',
  'interim',
  'trailers',
  'expect',
  'wrap',
  'middleware',
  'deep-pipeline',
  'upgrade',
];

/** http2 is audited with prior knowledge only. */
const NOT_OVER_TLS: ReadonlySet<AuditCapability> = new Set(['plain', 'http2', 'deep-pipeline']);

/** The standalone server. */
export const standalone: AuditHost = {
  name: 'standalone server',
  capabilities: new Set<AuditCapability>([
    ...COMMON,
    'own-wire',
    'own-error-page',
    'any-path',
    'asterisk-form',
    'field-case',
    'framing-choice',
    'body-limit',
    'drain-limit',
    'server-field',
    'half-close',
    'stop',
  ]),
  async serve(application, options = {}) {
    const log = createLog(options);
    const tls = options.tls ? { tls: SHARED_KEY } : {};
    const server = createServer(application, { ...log.gateway, ...tls });
    const listening = await listen(server, { log, isTls: options.tls });
    return { ...listening, stop: (timeout) => server.shutdown({ timeout }) };
  },
  wrappers: WRAPPERS,
  middleware: MIDDLEWARE,
  mistakes: MISTAKES,
};

/** A listener for node:http, https and http2. */
export const node: AuditHost = {
  name: 'toNode',
  capabilities: new Set<AuditCapability>([
    ...COMMON,
    'own-error-page',
    'any-path',
    'asterisk-form',
    'field-case',
    'framing-choice',
    'http2',
    'host-middleware',
  ]),
  objectKeys: ['node.req', 'node.res'],
  async serve(application, options = {}) {
    const log = createLog(options);
    const gateway = toNode(application, log.gateway);
    const listener: Listener = (request, response) => {
      options.changeRequest?.(request);
      gateway(request, response);
    };
    return listen(createNodeServer(listener, options), { log, isTls: options.tls });
  },
  wrappers: WRAPPERS,
  middleware: MIDDLEWARE,
  mistakes: MISTAKES,
};

/** The same listener, served by node:https unless an audit asks for something else. */
export const nodeOverTls: AuditHost = {
  ...node,
  name: 'toNode on https',
  capabilities: new Set([...node.capabilities].filter((capability) => !NOT_OVER_TLS.has(capability))),
  serve: async (application, options = {}) =>
    node.serve?.(application, { ...options, tls: true }) ??
    Promise.reject(new TypeError('toNode must serve')),
};

/** Makes a host of Express 5, where a middleware is mounted at the given path unless an audit names others. */
function createExpressHost(mount: string): AuditHost {
  return {
    name: `toExpress at ${mount || '/'}`,
    capabilities: new Set<AuditCapability>([
      ...COMMON,
      'any-path',
      // RFC 9112 §3.2.4: OPTIONS * is a request to the whole server.
      ...(mount === '' ? (['asterisk-form'] as const) : []),
      'field-case',
      'framing-choice',
      'mount',
      'host-fields',
      'host-parsers',
      'host-middleware',
      'trust-proxy',
      'fall-through',
      'error-handler',
    ]),
    objectKeys: ['node.req', 'node.res', 'express.req', 'express.res'],
    ownFields: ['X-Powered-By'],
    async serve(application, options = {}) {
      const log = createLog(options);
      const mounts = options.mounts ?? [mount];
      const app = mountInExpress(
        toExpress(application, expressOptions(log.gateway, options)),
        mounts,
        options,
      );
      return listen(createNodeServer(app, options), { log, mount: mounts.join(''), isTls: options.tls });
    },
    wrappers: WRAPPERS,
    middleware: MIDDLEWARE,
    mistakes: MISTAKES,
  };
}

/** A middleware of Express without a path. */
export const expressRoot: AuditHost = createExpressHost('');

/** A middleware of Express below a path. */
export const expressMounted: AuditHost = createExpressHost('/m');

/** Creates a host of Fastify 5, where a plugin has the prefix `/m` unless an audit names others. */
function createFastifyHost(hijack: boolean): AuditHost {
  return {
    name: hijack ? 'toFastify at /m, with hijack' : 'toFastify at /m',
    capabilities: new Set<AuditCapability>([
      ...COMMON,
      'field-case',
      'mount',
      'host-fields',
      'host-middleware',
      'trust-proxy',
      'error-handler',
      'http2',
    ]),
    objectKeys: ['node.req', 'node.res', 'fastify.request', 'fastify.reply'],
    async serve(application, options = {}) {
      const log = createLog(options);
      const mounts = options.mounts ?? ['/m'];
      const instance = createFastify(options);
      mountInFastify(instance, toFastify(application, { ...log.gateway, hijack }), mounts);
      await instance.ready();
      answerExpectations(instance.server, (...exchange) => instance.routing(...exchange));
      instance.server.on('upgrade', upgradesOfFastify(instance));
      return listen(instance.server, { log, mount: mounts.join(''), isTls: options.tls });
    },
    wrappers: WRAPPERS,
    middleware: MIDDLEWARE,
    mistakes: MISTAKES,
  };
}

/** A plugin of Fastify 5 with a prefix, which answers by `reply.send`. */
export const fastifyPrefixed: AuditHost = createFastifyHost(false);

/** A plugin of Fastify 5 with a prefix, which answers past Fastify. */
export const fastifyHijacked: AuditHost = createFastifyHost(true);

/** Makes a host of runCgi, with the validator around each application if it is said. */
export function cgiHost(isValidated: boolean): AuditHost {
  return {
    name: 'runCgi',
    capabilities: new Set<AuditCapability>(['cgi']),
    startCgi({ module, name, repeatsScriptName = false }, environment) {
      const folder = compiledPackage();
      const compiled = module.replace(SOURCES, `${pathToFileURL(folder)}/dist/src/`).replace(/\.ts$/, '.js');
      const words = [folder, compiled, name, String(repeatsScriptName), String(isValidated)];
      const command = [process.execPath, CGI_PROGRAM, ...words];
      // Node encodes an environment as UTF-8; only a shell can set variables to other octets.
      const assignments = Object.entries(environment).map(
        ([key, value]) => `${key}=$(printf '${inOctal(value)}')`,
      );
      const script = [...assignments, `export ${Object.keys(environment).join(' ')}`, 'exec "$@"'].join('\n');
      return spawn('/bin/sh', ['-c', script, 'sh', ...command], { env: { PATH: process.env.PATH ?? '' } });
    },
  };
}

const CGI_PROGRAM = join(import.meta.dirname, 'cgi-program.js');
/** The URL of the sources, which a host of compiled programs has compiled. */
const SOURCES = new URL('../../src/', import.meta.url).href;

/** A CGI program. */
export const cgi: AuditHost = cgiHost(false);

function createNodeServer(listener: Listener, { tls, http2 }: AuditServeOptions): NetServer {
  // The compatibility API of http2 gives the same methods with other types.
  if (http2) return createHttp2Server(listener as unknown as Parameters<typeof createHttp2Server>[1]);
  const server = tls ? createHttpsServer(SHARED_KEY, listener) : createHttpServer(listener);
  answerExpectations(server, listener);
  // That of gatebridge/node is the same.
  server.on('upgrade', upgrades(listener));
  return server;
}

/** Lets the listener decide when 100 (Continue) is sent. */
function answerExpectations(server: NetServer, listener: Listener): void {
  server.on('checkContinue', listener);
}

/** The options of toExpress for an audit. */
export function expressOptions(
  gateway: AuditGatewayOptions,
  { next }: AuditServeOptions,
): AuditGatewayOptions & { readonly fallthrough: boolean } {
  return { ...gateway, fallthrough: next !== undefined };
}

/** Makes an Express app with a nested router for each path, and a middleware mounted at the last. */
export function mountInExpress(
  middleware: ReturnType<typeof toExpress>,
  mounts: readonly string[],
  options: AuditServeOptions,
): Express {
  const app = express();
  app.set('trust proxy', options.trustProxy === true);
  if (options.changeRequest !== undefined) {
    app.use((request, _response, next) => {
      options.changeRequest?.(request);
      next();
    });
  }
  if (options.hostFields !== undefined) {
    app.use((_request, response, next) => {
      for (const [name, value] of options.hostFields ?? []) response.append(name, value);
      next();
    });
  }
  if (options.hostParser === 'opaque') app.use(consumeAsMultipart);
  else if (options.hostParser !== undefined) app.use(express[options.hostParser]());
  let router: Pick<Router, 'use'> = app;
  for (const path of mounts.slice(0, -1)) {
    const inner = Router();
    router.use(path, inner);
    router = inner;
  }
  router.use(mounts.at(-1) || '/', middleware);
  const { next } = options;
  if (next !== undefined) app.use((request, response) => next(request, response));
  const handleError: ErrorRequestHandler = (error, _request, response, _next) => {
    options.onError?.(error);
    response
      .status(error?.statusCode ?? 500)
      .type('text/plain')
      .send('Handled');
  };
  app.use(handleError);
  return app;
}

/** Acts like a parser of uploads: reads everything, and sets a body without the content. */
const consumeAsMultipart: RequestHandler = (request, _response, next) => {
  request.resume().on('end', () => {
    request.body = { file: 'stored elsewhere' };
    next();
  });
};

/** Makes a Fastify instance for the options of an audit. */
export function createFastify(options: AuditServeOptions): FastifyInstance {
  const common = {
    http2: options.http2 === true,
    trustProxy: options.trustProxy === true,
    ...(options.tls ? { https: SHARED_KEY } : {}),
  };
  // Each server option changes the type of the instance; its methods are the same.
  const instance = fastify(common as object) as unknown as FastifyInstance;
  if (options.changeRequest !== undefined) {
    instance.addHook('onRequest', async (request) => options.changeRequest?.(request.raw));
  }
  if (options.hostFields !== undefined) {
    instance.addHook('onRequest', async (_request, reply) => {
      for (const [name, value] of options.hostFields ?? []) reply.header(name, value);
    });
  }
  instance.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    options.onError?.(error);
    return reply
      .code(error?.statusCode ?? 500)
      .type('text/plain')
      .send('Handled');
  });
  return instance;
}

/** Mounts a plugin at the last of the prefixes, each a nested scope. */
export function mountInFastify(
  instance: FastifyInstance,
  plugin: ReturnType<typeof toFastify>,
  mounts: readonly string[],
): void {
  // Fastify matches decoded paths.
  const [prefix = '', ...inner] = mounts.map(decodeURI);
  if (inner.length === 0) {
    // Our types do not depend on Fastify's, and so do not match its overloads.
    instance.register(plugin as unknown as FastifyPluginAsync, { prefix });
    return;
  }
  const nested: FastifyPluginAsync = async (scope) => mountInFastify(scope, plugin, inner);
  instance.register(nested, { prefix });
}

function inOctal(value: string): string {
  return [...Buffer.from(value, 'latin1')].map((octet) => `\\${octet.toString(8).padStart(3, '0')}`).join('');
}
