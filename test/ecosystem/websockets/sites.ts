/** Three programs with sockets, mounted on every host that can hand them over: on node, in frameworks, one in the other. */
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import fastifyWebsocket from '@fastify/websocket';
import express, { Router } from 'express';
import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import { Server as SocketServer } from 'socket.io';
import { afterEach } from 'vitest';
import { WebSocketServer } from 'ws';
import { fromExpress, toExpress, upgrades } from '../../../bridges/express/index.ts';
import { fromFastify, toFastify, upgrades as upgradesOfFastify } from '../../../bridges/fastify/index.ts';
import { fromNode, toNode } from '../../../bridges/node/index.ts';
import { accessLog, compose, dispatch } from '../../../src/middleware/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { validate } from '../../../src/validate/index.ts';
import type { ApplicationFunction } from '../../../src/wsgi.ts';

const KEYS = join(import.meta.dirname, '../../support/tls');
export const TLS = {
  key: readFileSync(join(KEYS, 'key.pem')),
  cert: readFileSync(join(KEYS, 'cert.pem')),
};

/** The programs, as applications. */
export interface Programs {
  /** ws, attached to a server. */
  readonly ws: ApplicationFunction;
  /** `@fastify/websocket`. */
  readonly routes: ApplicationFunction;
  /** Socket.IO, attached to the server of an Express app. */
  readonly io: ApplicationFunction;
  readonly sockets: WebSocketServer;
  /** What happened. */
  readonly trail: string[];
  close(): Promise<void>;
}

/** A host with the programs. */
export interface OpenedSite {
  readonly site: Site;
  readonly programs: Programs;
}

/** Gives a function that opens a host of {@link HOSTS}, and closes it after each test. To be called once in a file of tests. */
export function openForEach(): (host: string, isTls: boolean) => Promise<OpenedSite> {
  const closes: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closes.splice(0)) await close();
  });
  return async (host, isTls) => {
    const programs = makePrograms();
    closes.push(() => programs.close());
    const site = await HOSTS[host]?.(programs, isTls);
    if (site === undefined) throw new TypeError(`No host ${host}`);
    closes.push(() => site.close());
    return { site, programs };
  };
}

/** Makes the programs. None of their servers listens. */
export function makePrograms(): Programs {
  const trail: string[] = [];
  const server = createHttpServer((request, response) => {
    response.setHeader('Content-Type', 'text/plain').end(`page ${request.url}`);
  });
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: { threshold: 1000 },
    handleProtocols: (offered) => (offered.has('second') ? 'second' : false),
  });
  sockets.on('connection', (socket, request) => {
    socket.on('error', (error) => trail.push(error.message));
    socket.on('close', (code, reason) => trail.push(`closed ${code} ${reason}`));
    socket.on('message', (data, isBinary) => {
      const text = isBinary ? '' : String(data);
      if (text === 'where') socket.send(`${request.url} ${request.headers.host !== undefined}`);
      else if (text === 'close') socket.close(4001, 'enough');
      else if (text === 'terminate') socket.terminate();
      else socket.send(data, { binary: isBinary });
    });
  });

  const app = fastify();
  app.addHook('onRequest', async (request, reply) => {
    if (Object(request.query).refuse !== undefined) await reply.code(401).send('refused');
  });
  app.register(fastifyWebsocket);
  app.register(async (scope) => {
    scope.get('/echo', { websocket: true }, (socket, { url }) => {
      socket.on('message', (data) => socket.send(`${url} ${data}`));
    });
    scope.get('/page', async () => 'page of Fastify');
  });

  const site = express();
  site.get('/', (_request, response) => void response.send('page of Express'));
  const siteServer = createHttpServer(site);
  const io = new SocketServer(siteServer);
  io.on('connection', (socket) => {
    socket.on('question', (text, answer) => answer(`${text} answered`));
    socket.on('octets', (octets: Buffer, answer) => answer(octets));
  });

  return {
    ws: fromNode(server),
    routes: fromFastify(app),
    io: fromExpress(site, { server: siteServer }),
    sockets,
    trail,
    async close() {
      await app.close();
      // The server of Socket.IO has never listened, and says so.
      await io.close().catch(() => {});
      sockets.close();
    },
  };
}

/** A running host. */
export interface Site {
  readonly port: number;
  /** The path below which the programs are mounted. */
  readonly mount: string;
  connections(): Promise<number>;
  close(): Promise<void>;
}

type Open = (programs: Programs, isTls: boolean) => Promise<Site>;

const nodeServer = (listener: RequestListener, isTls: boolean): Server =>
  isTls ? createHttpsServer(TLS, listener) : createHttpServer(listener);

/** Middleware, and the validator, around each program. */
function wrapped(programs: Programs): ApplicationFunction {
  const layered = compose(accessLog({ log: () => {} }), (application) => validate(application));
  return dispatch({
    '/ws': layered(programs.ws),
    '/routes': layered(programs.routes),
    '/io': layered(programs.io),
  });
}

function mountInRouter(programs: Programs): Router {
  const router = Router();
  router.use('/ws', toExpress(programs.ws));
  router.use('/routes', toExpress(programs.routes));
  router.use('/io', toExpress(programs.io));
  return router;
}

const mountInInstance = (programs: Programs): FastifyPluginAsync => {
  return async (scope) => {
    for (const name of ['ws', 'routes', 'io'] as const) {
      // Our types do not depend on Fastify's.
      scope.register(toFastify(programs[name]) as unknown as FastifyPluginAsync, { prefix: `/${name}` });
    }
  };
};

async function listen(server: ListeningServer, mount: string, end?: () => Promise<unknown>): Promise<Site> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  // The address is a string only for a pipe.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    mount,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await Promise.all([closed, end?.()]);
    },
  };
}

/** The methods that node's servers and ours share. */
interface ListeningServer {
  readonly listening: boolean;
  address(): AddressInfo | string | null;
  listen(port: number, host: string, callback: () => void): unknown;
  close(callback: () => void): unknown;
  getConnections(callback: (error: Error | null, count: number) => void): unknown;
  on(event: 'connection', listener: (socket: Socket) => void): unknown;
}

const openFastify = async (programs: Programs, isTls: boolean, hasPlugin: boolean): Promise<Site> => {
  // Each server option changes the type of the instance; its methods are the same.
  const host = fastify((isTls ? { https: TLS } : {}) as object) as unknown as FastifyInstance;
  if (hasPlugin) host.register(fastifyWebsocket);
  else host.server.on('upgrade', upgradesOfFastify(host));
  host.register(mountInInstance(programs), { prefix: '/deep' });
  await host.listen({ port: 0, host: '127.0.0.1' });
  return listen(host.server, '/deep', () => host.close());
};

/** The hosts by name. */
export const HOSTS: Readonly<Record<string, Open>> = {
  'the standalone server': (programs, isTls) =>
    listen(createServer(wrapped(programs), isTls ? { tls: TLS } : {}), ''),
  toNode: async (programs, isTls) => {
    const listener = toNode(wrapped(programs));
    const server = nodeServer(listener, isTls);
    server.on('upgrade', upgrades(listener));
    return listen(server, '');
  },
  'Express, below a nested router': (programs, isTls) => {
    const outer = Router();
    outer.use('/shop', mountInRouter(programs));
    const app = express().use('/:tenant', outer);
    const server = nodeServer(app, isTls);
    server.on('upgrade', upgrades(app));
    return listen(server, '/acme/shop');
  },
  'Fastify, below a prefix': (programs, isTls) => openFastify(programs, isTls, false),
  'Fastify with @fastify/websocket': (programs, isTls) => openFastify(programs, isTls, true),
  'Express within the standalone server': (programs, isTls) => {
    const app = express().use('/deep', mountInRouter(programs));
    return listen(createServer(fromExpress(app), isTls ? { tls: TLS } : {}), '/deep');
  },
  'Fastify within Express': (programs, isTls) => {
    const inner = fastify();
    inner.register(mountInInstance(programs), { prefix: '/in' });
    const app = express().use('/out', toExpress(fromFastify(inner)));
    const server = nodeServer(app, isTls);
    server.on('upgrade', upgrades(app, { paths: ['/out'] }));
    return listen(server, '/out/in', () => inner.close());
  },
};
