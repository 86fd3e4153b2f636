/**
 * @fastify/websocket with a real client: on node:http, by `serverFactory`, and by `fromFastify` in both ways to pass
 * upgrades on: the plugin's `server` option, and forwarding the event.
 */
import websocket from '@fastify/websocket';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import { createServer, type Server } from '../../../src/server/index.ts';
import { type Listening, listen, request, transcript, until } from '../../messages/side-by-side.ts';
import { serverFactory } from './three-servers.ts';

/** Ways to serve, by name. */
const WAYS = ['node', 'serverFactory', 'option server', 'event upgrade'] as const;
type Way = (typeof WAYS)[number];

interface Site extends Listening {
  readonly app: FastifyInstance;
  /** Notes of hooks and handlers. */
  readonly trail: string[];
}

const sites = new Map<Way, Site>();

beforeAll(async () => {
  for (const way of WAYS) sites.set(way, await open(way));
});

afterAll(async () => {
  for (const site of sites.values()) await site.close();
});

async function open(way: Way): Promise<Site> {
  const trail: string[] = [];
  const app = fastify(way === 'serverFactory' ? { serverFactory } : {});
  const isWrapped = way === 'option server' || way === 'event upgrade';
  const server = isWrapped ? createServer(fromFastify(app)) : undefined;
  const own = way === 'option server' ? { options: { server, maxPayload: 1000 } } : undefined;
  await app.register(websocket, own ?? { options: { maxPayload: 1000 } });
  addRoutes(app, trail);
  if (server === undefined) {
    await app.listen({ port: 0, host: '127.0.0.1' });
    const port = portOf(app.server);
    return { app, trail, port, log: [], close: () => app.close() };
  }
  if (way === 'event upgrade') server.on('upgrade', (...event) => app.server.emit('upgrade', ...event));
  await app.ready();
  const listening = await listen(server);
  return {
    ...listening,
    app,
    trail,
    async close() {
      await app.close();
      await listening.close();
    },
  };
}

function portOf(server: { address(): ReturnType<Server['address']> }): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function addRoutes(app: FastifyInstance, trail: string[]): void {
  app.addHook('onRequest', async (req) => void trail.push(`onRequest ${req.method} ${req.url} ${req.ws}`));
  app.addHook('preValidation', async (req, reply) => {
    if (req.headers.authorization === 'no') await reply.code(401).send({ refused: true });
  });
  app.addHook('onResponse', async (_req, reply) => void trail.push(`onResponse ${reply.statusCode}`));
  app.addHook('onError', async (_req, _reply, error) => void trail.push(`onError ${error.message}`));
  app.get('/echo', { websocket: true }, (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  app.get<{ Params: { room: string }; Querystring: { q?: string } }>(
    '/rooms/:room',
    { websocket: true },
    (socket, req) => {
      const { ip, hostname, protocol, headers } = req;
      const { room } = req.params;
      socket.send(JSON.stringify({ room, q: req.query.q, ip, hostname, protocol, x: headers['x-client'] }));
    },
  );
  app.get('/leaving', { websocket: true }, (socket) => {
    socket.on('close', (code, reason) => trail.push(`closed ${code} ${reason}`));
    socket.send('now');
  });
  app.get('/closing', { websocket: true }, (socket) => socket.close(4001, 'enough'));
  app.get('/failing', { websocket: true }, () => {
    throw new Error('failed in a socket');
  });
  app.route({
    method: 'GET',
    url: '/both',
    handler: async () => 'over HTTP',
    wsHandler: (socket) => socket.send('over a socket'),
  });
  app.get('/plain', async () => 'plain');
}

/** Opens a socket and records all messages and the end, as the client sees them. */
async function visit(
  way: Way,
  path: string,
  act: (socket: WebSocket, seen: string[]) => void = () => {},
  headers: Record<string, string> = {},
): Promise<string[]> {
  const { port } = siteOf(way);
  const seen: string[] = [];
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers: { Host: 'example.test', ...headers },
  });
  socket.on('upgrade', (response) =>
    seen.push(`upgrade ${response.statusCode} ${response.rawHeaders.join(' ')}`),
  );
  socket.on('unexpected-response', (_request, response) => {
    seen.push(`refused ${response.statusCode} ${response.headers['content-type']}`);
    response.on('data', (chunk) => seen.push(`${chunk}`));
    response.on('end', () => socket.terminate());
  });
  socket.on('open', () => seen.push('open'));
  socket.on('message', (data, isBinary) => seen.push(`${isBinary ? 'binary' : 'text'} ${data}`));
  socket.on('error', (error) => seen.push(`error ${error.message}`));
  const closed = new Promise<void>((resolve) => {
    socket.on('close', (code, reason) => {
      seen.push(`close ${code} ${reason}`);
      resolve();
    });
  });
  act(socket, seen);
  await closed;
  return seen.map((line) => line.replace(/Sec-WebSocket-Accept \S+/, 'Sec-WebSocket-Accept …'));
}

function siteOf(way: Way): Site {
  const site = sites.get(way);
  if (site === undefined) throw new TypeError(`No site for ${way}`);
  return site;
}

/** Visits every server and expects the same as on node:http. */
async function visitAlike(...visitOf: Parameters<typeof visit> extends [Way, ...infer Rest] ? Rest : never) {
  const expected = await visit('node', ...visitOf);
  for (const way of WAYS.slice(1)) expect(await visit(way, ...visitOf), way).toEqual(expected);
  return expected;
}

/** Closes a socket after this many lines. */
function leaveAfter(count: number, code = 1000): (socket: WebSocket, seen: string[]) => void {
  return (socket, seen) => void until(() => seen.length >= count).then(() => socket.close(code, 'left'));
}

describe('@fastify/websocket', () => {
  it('echoes text and octets of various lengths', async () => {
    const seen = await visitAlike('/echo', (socket, lines) => {
      socket.on('open', () => {
        for (const length of [0, 1, 125, 126, 999]) socket.send('x'.repeat(length));
        socket.send(Buffer.from('octets'));
      });
      leaveAfter(8)(socket, lines);
    });
    expect(seen).toHaveLength(9);
    expect(seen.at(-1)).toBe('close 1000 left');
  });

  it('gives handlers the route, the query and the properties of the request', async () => {
    const seen = await visitAlike('/rooms/a%20b?q=1', leaveAfter(3), { 'X-Client': '7' });
    const [, , message = ''] = seen;
    const facts = {
      room: 'a b',
      q: '1',
      ip: '127.0.0.1',
      hostname: 'example.test',
      protocol: 'http',
      x: '7',
    };
    expect(JSON.parse(message.slice('text '.length))).toEqual(facts);
  });

  it('passes codes and reasons in both directions', async () => {
    expect(await visitAlike('/closing')).toContain('close 4001 enough');
    await visitAlike('/leaving', leaveAfter(3, 4002));
    await visitAlike('/leaving', (socket) => void socket.on('message', () => socket.terminate()));
    for (const way of WAYS) {
      const { trail } = siteOf(way);
      await until(() => trail.includes('closed 1006 '));
      expect(trail).toContain('closed 4002 left');
    }
  });

  it('ends a socket whose message is too long or whose handler fails', async () => {
    const tooLong = (socket: WebSocket) => void socket.on('open', () => socket.send('x'.repeat(1001)));
    expect(await visitAlike('/echo', tooLong)).toContain('close 1009 ');
    expect(await visitAlike('/failing')).toContain('close 1006 ');
  });

  it('refuses before the upgrade: by a hook, without a route, on a route without sockets', async () => {
    expect(await visitAlike('/echo', () => {}, { Authorization: 'no' })).toContain('{"refused":true}');
    expect((await visitAlike('/nowhere'))[0]).toMatch(/^refused 404 /);
    await visitAlike('/plain');
  });

  it('answers requests without an upgrade over HTTP', async () => {
    for (const path of ['/both', '/echo', '/plain']) {
      const [expected, ...others] = await Promise.all(
        WAYS.map((way) => transcript(siteOf(way), request('GET', path))),
      );
      for (const text of others) expect(text).toBe(expected);
    }
    expect(await visitAlike('/both', leaveAfter(3))).toContain('text over a socket');
  });

  it('runs the same hooks', () => {
    const [expected, ...others] = WAYS.map((way) => siteOf(way).trail);
    expect(expected?.length).toBeGreaterThan(10);
    for (const trail of others) expect([...trail].sort()).toEqual([...(expected ?? [])].sort());
  });

  it('leaves injectWS() unchanged', async () => {
    for (const way of WAYS) {
      let message = '';
      const onInit = (socket: WebSocket): void => {
        socket.on('message', (data) => {
          message = String(data);
        });
      };
      const socket = await siteOf(way).app.injectWS('/rooms/injected', {}, { onInit });
      await until(() => message !== '');
      expect(message, way).toContain('"room":"injected"');
      socket.terminate();
    }
  });

  it.each(WAYS)('closes sockets when the app closes (%s)', async (way) => {
    const { port, app, close } = await open(way);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`);
    await new Promise((resolve) => socket.on('open', resolve));
    const code = new Promise((resolve) => socket.on('close', resolve));
    await app.close();
    expect(await code).toBe(1005);
    await close();
  });
});
