/** The hosts that listen on sockets, in this process. */
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import express from 'express';
import fastify, { type FastifyPluginAsync } from 'fastify';
import { toExpress } from '../../../bridges/express/index.ts';
import { toFastify } from '../../../bridges/fastify/index.ts';
import { toFetch } from '../../../bridges/fetch/index.ts';
import { toNode } from '../../../bridges/node/index.ts';
import { createServer, type ServerOptions } from '../../../src/server/index.ts';
import { listenerOf } from '../../conformance/fetch-host.ts';
import { connectHttp2 } from '../clients.ts';
import type { Host } from '../matrix.ts';
import { listen, portOf, type SocketHost, socketHost, TLS } from './socket-host.ts';

const onOwnServer = (host: Omit<SocketHost, 'listen'>, settings: ServerOptions = {}): Host =>
  socketHost({
    ...host,
    listen: (application, options) => listen(createServer(application, { ...options, ...settings })),
  });

/** The standalone server. */
export const standalone: Host = onOwnServer({
  name: 'standalone server',
  expression: 'serve(app)',
  reached: 'HTTP/1.1',
});

/** The standalone server with TLS. */
export const standaloneTls: Host = onOwnServer(
  {
    name: 'standalone server, TLS',
    expression: 'serve(app, { tls })',
    reached: 'HTTP/1.1 over TLS',
    scheme: 'https',
  },
  { tls: TLS },
);

/** The standalone server with HTTP/2. */
export const standaloneHttp2: Host = onOwnServer(
  {
    name: 'standalone server, HTTP/2',
    expression: 'serve(app, { tls, http2: true })',
    reached: 'HTTP/2 over TLS',
    scheme: 'https',
    connect: connectHttp2,
  },
  { tls: TLS, http2: true },
);

/** A listener of node:http. */
export const nodeHttp: Host = socketHost({
  name: 'toNode, node:http',
  expression: 'http.createServer(toNode(app))',
  reached: 'HTTP/1.1',
  listen: (application, options) => listen(createHttpServer(toNode(application, options))),
});

/** A listener of node:https. */
export const nodeHttps: Host = socketHost({
  name: 'toNode, node:https',
  expression: 'https.createServer(tls, toNode(app))',
  reached: 'HTTP/1.1 over TLS',
  scheme: 'https',
  listen: (application, options) => listen(createHttpsServer(TLS, toNode(application, options))),
});

/** A listener of node:http2. */
export const nodeHttp2: Host = socketHost({
  name: 'toNode, node:http2',
  expression: 'http2.createSecureServer(tls, toNode(app))',
  reached: 'HTTP/2 over TLS',
  scheme: 'https',
  connect: connectHttp2,
  listen(application, options) {
    const listener = toNode(application, options);
    return listen(createSecureServer(TLS, (request, response) => listener(request, response)));
  },
});

/** A middleware of Express below a path. */
export const mountedInExpress: Host = socketHost({
  name: 'toExpress',
  expression: "express().use('/m', toExpress(app))",
  reached: 'HTTP/1.1, below a path',
  mount: '/m',
  listen(application, options) {
    const app = express().set('env', 'test').use('/m', toExpress(application, options));
    return listen(createHttpServer(app));
  },
});

const inFastify = (host: Pick<Host, 'name' | 'expression'>, hijack: boolean): Host =>
  socketHost({
    ...host,
    reached: 'HTTP/1.1, below a path',
    mount: '/m',
    async listen(application, options) {
      const instance = fastify({ forceCloseConnections: true });
      // Our types do not depend on Fastify's, and so do not match its overloads.
      const plugin = toFastify(application, { ...options, hijack }) as unknown as FastifyPluginAsync;
      await instance.register(plugin, { prefix: '/m' });
      await instance.listen({ port: 0, host: '127.0.0.1' });
      return { port: portOf(instance.server), close: () => instance.close() };
    },
  });

/** A plugin of Fastify, which answers by `reply.send`. */
export const mountedInFastify: Host = inFastify(
  { name: 'toFastify', expression: "fastify().register(toFastify(app), { prefix: '/m' })" },
  false,
);

/** A plugin of Fastify, which answers past it. */
export const hijackingFastify: Host = inFastify(
  {
    name: 'toFastify, hijack',
    expression: "fastify().register(toFastify(app, { hijack: true }), { prefix: '/m' })",
  },
  true,
);

/** A handler of the Fetch API, behind a translator on node:http. */
export const fetchHandler: Host = socketHost({
  name: 'toFetch',
  expression: 'toFetch(app)',
  reached: 'HTTP/1.1, by a translator to Request and Response',
  listen: (application, options) => listen(createHttpServer(listenerOf(toFetch(application, options)))),
});
