/** Programs with a server that never listens: its listeners get requests and upgrades. */
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { Server as SocketServer } from 'socket.io';
import { io } from 'socket.io-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromExpress } from '../../../bridges/express/index.ts';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import { environOf, fromNode } from '../../../bridges/node/index.ts';
import { dispatch } from '../../../src/middleware/index.ts';
import { createClient } from '../../../src/testing/index.ts';
import type { Application } from '../../../src/wsgi.ts';
import { type RunningServer, startServer } from '../../server/support.ts';

let running: RunningServer;
afterEach(async () => {
  vi.useRealTimers();
  await running.stop();
});

const UPGRADE = 'GET /p/x?y HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\n\r\n';

async function start(program: Application): Promise<RunningServer> {
  running = await startServer(dispatch({ '/p': program }));
  return running;
}

describe('fromNode(server)', () => {
  it('emits requests, to several listeners', async () => {
    const seen: unknown[] = [];
    const server = createHttpServer((request) => seen.push(request.url));
    server.on('request', (request, response) =>
      response.end(`${request.method} ${environOf(request)?.PATH_INFO}`),
    );
    const response = await createClient(fromNode(server)).get('/x');
    expect(await response.text()).toBe('GET /x');
    expect(seen).toEqual(['/x']);
    running = await startServer(fromNode(server));
  });

  it('emits upgrades with the path below the mount, the socket and the octets after the request', async () => {
    const server = createHttpServer();
    server.on('upgrade', (request, socket, head) => {
      const { url, upgrade, headers } = request as IncomingMessage & { upgrade: boolean };
      const mounted = [Reflect.get(request, 'baseUrl'), Reflect.get(request, 'originalUrl')];
      const facts = [url, ...mounted, upgrade, headers.upgrade, request.socket === socket, head.toString()];
      socket.end(`${SWITCHED}${facts.join()}`);
    });
    const client = (await start(fromNode(server))).connect();
    client.send(`${UPGRADE}first`);
    await client.readHead();
    expect((await client.readRest()).toString()).toBe('/x?y,/p,/p/x?y,true,chat,true,first');
  });

  it('answers by request if nobody listens to upgrade, or shouldUpgradeCallback says no', async () => {
    const server = createHttpServer((request, response) => response.end(`request ${request.url}`));
    const client = (await start(fromNode(server))).connect();
    client.send(UPGRADE);
    expect((await client.readResponse()).content.toString()).toBe('request /x?y');
    const urls: unknown[] = [];
    server.on('upgrade', (_request, socket) => socket.end(SWITCHED));
    Object.assign(server, {
      shouldUpgradeCallback(request: IncomingMessage) {
        urls.push(request.url, Object(this) === server);
        return urls.length > 2;
      },
    });
    client.send(UPGRADE);
    expect((await client.readResponse()).content.toString()).toBe('request /x?y');
    client.send(UPGRADE);
    expect((await client.readHead()).statusCode).toBe(101);
    expect(urls).toEqual(['/x?y', true, '/x?y', true]);
  });

  it('logs what a listener throws, and destroys the socket', async () => {
    const server = createHttpServer().on('upgrade', () => {
      throw new Error('thrown by a listener');
    });
    const { connect: open, log } = await start(fromNode(server));
    const client = open();
    client.send(UPGRADE);
    expect((await client.readRest()).toString()).toBe('');
    expect(log.join('')).toContain('thrown by a listener');
  });

  it('closes a socket that no listener has taken after 10 seconds', async () => {
    const server = createHttpServer();
    server.on('upgrade', (request, socket) => {
      if (request.url === '/taken') socket.write(SWITCHED);
    });
    const { connect: open } = await start(fromNode(server));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [lost, taken] = [open(), open()];
    lost.send(UPGRADE);
    taken.send(UPGRADE.replace('/x?y', '/taken'));
    await taken.readHead();
    await vi.waitFor(() => expect(running.server.metrics().connections.upgraded).toBe(2));
    vi.advanceTimersByTime(9_999);
    expect(running.server.metrics().connections.upgraded).toBe(2);
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    expect((await lost.readRest()).toString()).toBe('');
    expect(running.server.metrics().connections.upgraded).toBe(1);
  });

  it('fails if nobody listens to request, and refuses what is no server', async () => {
    const { log, connect: open } = await start(fromNode(createHttpServer()));
    const client = open();
    client.send('GET /p/ HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.readResponse()).statusCode).toBe(500);
    expect(log.join('')).toContain('Nobody listens for requests');
    // Wrong on purpose.
    expect(() => fromNode({ emit() {} } as never)).toThrow('Listener must be a function');
    expect(() => fromExpress(express(), { server: {} as never })).toThrow('Option server must be a server');
  });
});

describe('fromExpress(app, { server })', () => {
  it('adds the app to a server without listeners, and keeps its own messages', async () => {
    const app = express();
    app.get('/x', (request, response) => {
      response.json([request.baseUrl, Object.getPrototypeOf(request) === app.request]);
    });
    const server = createHttpServer();
    const client = (await start(fromExpress(app, { server }))).connect();
    client.send('GET /p/x HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.readResponse()).content.toString()).toBe('["/p",true]');
    expect(server.listeners('request')).toEqual([app]);
  });
});

describe('fromFastify(instance)', () => {
  it.each(['before', 'after'])(
    'lets Socket.IO listen to the server of the instance, attached %s',
    async (order) => {
      const app = fastify();
      app.get('/', async () => 'Fastify');
      const attach = (): SocketServer => {
        const sockets = new SocketServer(app.server);
        sockets.on('connection', (socket) => socket.on('question', (text, answer) => answer(`${text}!`)));
        return sockets;
      };
      const early = order === 'before' ? attach() : undefined;
      const program = fromFastify(app);
      const sockets = early ?? attach();
      const { server } = await start(program);
      const { port } = server.address() as AddressInfo;
      for (const transport of ['polling', 'websocket']) {
        const client = io(`http://127.0.0.1:${port}`, {
          path: '/p/socket.io',
          transports: [transport],
          forceNew: true,
        });
        expect(await client.timeout(5000).emitWithAck('question', transport)).toBe(`${transport}!`);
        client.disconnect();
      }
      expect(await (await fetch(`http://127.0.0.1:${port}/p/`)).text()).toBe('Fastify');
      await app.close();
      await sockets.close().catch(() => {});
    },
  );

  it('has upgrades once the instance is ready, also on the first request', async () => {
    const app = fastify();
    app.register(async (scope) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      scope.server.on('upgrade', (request, socket: Socket) => socket.end(`${SWITCHED}${request.url}`));
    });
    const client = (await start(fromFastify(app))).connect();
    client.send(UPGRADE);
    expect((await client.readHead()).statusCode).toBe(101);
    expect((await client.readRest()).toString()).toBe('/x?y');
  });
});

describe('a wrapped host', () => {
  it('drops what it writes after an application within has the socket, and hears of the end', async () => {
    const events: unknown[] = [];
    const { toExpress } = await import('../../../bridges/express/index.ts');
    const app = express();
    app.use((_request, response, next) => {
      response.on('close', () => events.push('close'));
      setTimeout(() => response.status(503).send('too late'), 30);
      next();
    });
    const finished: unknown[] = [];
    app.use(
      toExpress(async (environ) => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        environ['gateway.on_finished']?.((...values) => finished.push(values.slice(1)));
        // The server's own socket.
        const socket = environ['gateway.upgrade']?.().socket as Socket;
        socket.write(SWITCHED);
        socket.pipe(socket);
        return [];
      }),
    );
    running = await startServer((environ, startResponse) => {
      environ['gateway.on_finished']?.((...values) => finished.push(values.slice(1)));
      return fromExpress(app)(environ, startResponse);
    });
    const { port } = running.server.address() as AddressInfo;
    const raw = connect(port, '127.0.0.1').setEncoding('utf8');
    let heard = '';
    raw.on('data', (text) => {
      heard += text;
    });
    raw.write(UPGRADE);
    await vi.waitFor(() => expect(heard).toBe(SWITCHED));
    await new Promise((resolve) => setTimeout(resolve, 60));
    raw.write('echo');
    await vi.waitFor(() => expect(heard).toBe(`${SWITCHED}echo`));
    expect(finished).toEqual(Array(2).fill([undefined, undefined, undefined]));
    expect(events).toEqual([]);
    raw.end();
    await once(raw, 'close');
    await vi.waitFor(() => expect(events).toEqual(['close']));
    expect(running.log).toEqual([]);
  });
});
