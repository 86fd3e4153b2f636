import { mkdtemp, rm } from 'node:fs/promises';
import { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  Server as NetServer,
  type Socket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { describe, expect, it, vi } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { createServer, DEFAULT_SETTINGS, Server, serve } from '../../src/server/index.ts';
import { echo, hello, startServer } from './support.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('createServer', () => {
  it('works with supertest, listening or not', async () => {
    const response = await request(createServer(hello)).get('/').expect(200, 'Hello');
    expect(response.headers['content-length']).toBe('5');
    await request(createServer(echo)).post('/').send({ a: 1 }).expect(200, '{"a":1}');
  });

  it.each<[string, unknown, typeof TypeError | typeof RangeError]>([
    ['headersTimeout', '5', TypeError],
    ['maxBodySize', -1, RangeError],
    ['keepAliveTimeout', Number.NaN, RangeError],
    ['requireHostHeader', 1, TypeError],
    ['connectionsCheckingInterval', 0, RangeError],
  ])('refuses the option %s: %j', (name, value, expected) => {
    expect(() => createServer(hello, { [name]: value })).toThrow(expected);
    expect(() => createServer(hello, { [name]: value })).toThrow(name);
  });

  it.each([[5000], [null], [{ timeout: '5' }], [{ timeout: -1 }]])(
    'refuses shutdown(%j)',
    async (options) => {
      // Possible in JavaScript only.
      const wrong = options as { timeout: number };
      await expect(createServer(hello).shutdown(wrong)).rejects.toThrow(/timeout|must be an object/);
    },
  );

  it('has no public properties beyond its settings', () => {
    const server = createServer(hello);
    const own = Object.keys(server).filter((key) => !(key in createNetServer()));
    expect(own.sort()).toEqual(Object.keys(DEFAULT_SETTINGS).sort());
  });

  it('drops a connection at close once the client has the answer to all its content', async () => {
    const {
      server,
      connect: open,
      stop,
    } = await startServer(async (environ, startResponse) => {
      await environ['wsgi.input'].read(5);
      startResponse('200 OK', []);
      return ['read'];
    });
    const client = open();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
    await client.readResponse();
    server.close();
    const before = performance.now();
    await client.readRest();
    expect(performance.now() - before).toBeLessThan(DEFAULT_SETTINGS.keepAliveTimeout / 2);
    await stop();
  });

  it('refuses a value that is not an application', () => {
    expect(() => createServer({} as typeof hello)).toThrow(TypeError);
  });

  it('knows its address at once when it listens on a port without a host', async () => {
    const server = createServer(hello);
    expect(server.address()).toBeNull();
    server.listen(0);
    expect((server.address() as AddressInfo).port).toBeGreaterThan(0);
    expect(server.listening).toBe(true);
    await server.shutdown();
    expect(server.listening).toBe(false);
  });

  it('listens on a unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatebridge-'));
    const path = join(folder, 'socket');
    const server = await serve(
      (environ, startResponse) => {
        startResponse('200 OK', []);
        return [JSON.stringify([environ.SERVER_NAME, environ.SERVER_PORT, 'REMOTE_ADDR' in environ])];
      },
      { path },
    );
    try {
      const socket = connect(path);
      socket.end('GET / HTTP/1.0\r\n\r\n');
      const octets = Buffer.concat(await socket.toArray()).toString();
      expect(octets.endsWith('["localhost","80",false]')).toBe(true);
    } finally {
      await server.shutdown();
      await rm(folder, { recursive: true });
    }
  });

  it('reports a port in use, and can listen again after close', async () => {
    const server = await serve(hello, { port: 0 });
    const { port } = server.address() as AddressInfo;
    await expect(serve(hello, { port })).rejects.toThrow('EADDRINUSE');
    await server.shutdown();
    server.listen(0);
    await request(server).get('/').expect(200);
    await server.shutdown();
  });

  it('emits connection with the socket', async () => {
    const server = await startServer(hello);
    const onConnection = vi.fn();
    server.server.on('connection', onConnection);
    const client = server.connect();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.readResponse();
    expect(onConnection.mock.calls[0]?.[0]).toHaveProperty('remoteAddress', '127.0.0.1');
    await server.stop();
  });

  it('closes connections beyond maxConnections, even after it changed', async () => {
    const server = await startServer(hello, { maxConnections: 1 });
    const first = server.connect();
    first.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await first.readResponse();
    expect(await server.connect().farewell()).toBeDefined();
    server.server.maxConnections = 2;
    const third = server.connect();
    third.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await third.readResponse()).statusCode).toBe(200);
    await server.stop();
  });
});

describe('close and shutdown', () => {
  const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

  it('close() drops idle connections and serves a busy one until it is idle', async () => {
    let answer = (): void => {};
    const server = await startServer(
      async (_environ, startResponse) => {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        startResponse('200 OK', []);
        return ['late'];
      },
      { keepAliveTimeout: 200, connectionsCheckingInterval: 10 },
    );
    const idle = server.connect();
    const busy = server.connect();
    busy.send(get);
    await vi.waitFor(() => expect(answer.name).not.toBe('answer'));
    const closed = new Promise<void>((resolve) => server.server.close(() => resolve()));
    await idle.farewell();
    answer();
    const response = await busy.readResponse();
    expect(response.content.toString()).toBe('late');
    expect(response.headers).toContainEqual(['Connection', 'keep-alive']);
    await busy.farewell();
    busy.destroy();
    await closed;
  });

  it('shutdown() ends each connection with its response and says so', async () => {
    let answer = (): void => {};
    const server = await startServer(async (_environ, startResponse) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      startResponse('200 OK', []);
      return ['last'];
    });
    const busy = server.connect();
    busy.send(get + get);
    await vi.waitFor(() => expect(answer.name).not.toBe('answer'));
    const done = server.server.shutdown();
    answer();
    const response = await busy.readResponse();
    expect(response.content.toString()).toBe('last');
    expect(response.headers).toContainEqual(['Connection', 'close']);
    expect(await busy.farewell()).toBe('end');
    busy.destroy();
    await done;
  });

  it('shutdown() cuts off running requests at the deadline and closes the body', async () => {
    const close = vi.fn();
    const server = await startServer(
      (_environ, startResponse) => {
        startResponse('200 OK', []);
        const body = (async function* () {
          yield 'x';
          await new Promise(() => {});
        })();
        return Object.assign(body, { close });
      },
      { closeTimeout: 10 },
    );
    const client = server.connect();
    client.send(get);
    await client.readHead();
    await server.server.shutdown({ timeout: 50 });
    await client.farewell();
    await vi.waitFor(() => expect(close).toHaveBeenCalledTimes(1));
  });
});

describe('a Server as node sees it', () => {
  it('is an http.Server without TLS, and an https.Server with it', () => {
    const plain = createServer(hello);
    const secure = createServer(hello, { tls: {} });
    const kinds = [Server, HttpServer, HttpsServer, NetServer];
    expect(kinds.map((kind) => plain instanceof kind)).toEqual([true, true, false, true]);
    expect(kinds.map((kind) => secure instanceof kind)).toEqual([true, false, true, true]);
    expect([new HttpServer(), null, 1, {}].filter((value) => value instanceof Server)).toEqual([]);
  });

  it('keeps the identity of subclasses', () => {
    class Special extends Server {}
    const special = new Special(hello, { tls: {} });
    expect(special).toBeInstanceOf(Special);
    expect(special).toBeInstanceOf(Server);
    expect(createServer(hello)).not.toBeInstanceOf(Special);
  });

  it('overrides every method of its ancestors', () => {
    for (const [server, ancestor] of [
      [createServer(hello), HttpServer],
      [createServer(hello, { tls: {} }), HttpsServer],
    ] as const) {
      const inherited = Object.getOwnPropertyNames(ancestor.prototype).filter(
        (name) =>
          name !== 'constructor' && Reflect.get(server, name) === Reflect.get(ancestor.prototype, name),
      );
      // With TLS the constructor of tls.Server has run, so its methods work. Left out: methods that only call overridden ones, serve cluster, or are unused since Node 12.
      expect(inherited.filter((name) => !/^_|^setOptions$/.test(name))).toEqual([]);
    }
  });
});

describe('the connection event', () => {
  it('has the same socket as the requests', async () => {
    const sockets: unknown[] = [];
    const application = fromNode((request, response) => {
      sockets.push(request.socket, response.socket);
      response.end();
    });
    const { server, connect: connectClient, stop } = await startServer(application);
    server.on('connection', (socket: Socket) => {
      sockets.push(socket);
      socket.on('close', () => sockets.push('closed'));
    });
    const client = connectClient();
    for (let count = 0; count < 2; count += 1) {
      client.send(get);
      await client.readResponse();
    }
    expect(new Set(sockets).size).toBe(1);
    expect(sockets).toHaveLength(5);
    const [socket] = sockets as Socket[];
    expect(Reflect.get(socket ?? {}, 'server')).toBe(server);
    socket?.destroy();
    await expect.poll(() => sockets.at(-1)).toBe('closed');
    await stop();
  });

  it('shows the current response, as helpers for graceful shutdown need', async () => {
    const seen: unknown[] = [];
    const {
      server,
      connect: connectClient,
      stop,
    } = await startServer(
      fromNode((_request, response) => {
        seen.push(Reflect.get(connected ?? {}, '_httpMessage') === response);
        response.end();
      }),
    );
    let connected: Socket | undefined;
    server.on('connection', (socket: Socket) => {
      connected = socket;
      seen.push(Reflect.get(socket, '_httpMessage'));
    });
    const client = connectClient();
    client.send(get);
    await client.readResponse();
    expect(seen).toEqual([null, true]);
    await expect.poll(() => Reflect.get(connected ?? {}, '_httpMessage')).toBe(null);
    await stop();
  });

  it("passes the plain socket to a listener that replaces the server's own", async () => {
    const { server, connect: connectClient, stop } = await startServer(hello);
    const [own] = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      // As with the PROXY protocol in front of a server.
      socket.once('readable', () => {
        const octets: Buffer = socket.read();
        const end = octets.indexOf('\r\n') + 2;
        socket.unshift(octets.subarray(end));
        own?.call(server, socket);
      });
    });
    const client = connectClient();
    client.send(`PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${get}`);
    expect((await client.readResponse()).content.toString()).toBe('Hello');
    await stop();
  });
});
