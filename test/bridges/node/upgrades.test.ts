/** The listener of `upgrades`: what node gives it, what others do to the same socket, and who is left waiting. */
import { once } from 'node:events';
import { createServer, IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import express from 'express';
import fastify from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { toExpress, upgrades } from '../../../bridges/express/index.ts';
import { upgrades as upgradesOfFastify } from '../../../bridges/fastify/index.ts';
import { toNode } from '../../../bridges/node/index.ts';
import { WireClient } from '../../../src/conformance/wire-client.ts';
import { isDisconnection } from '../../../src/errors.ts';
import type { Application } from '../../../src/wsgi.ts';

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';

/** Takes sockets over below `/take`, after a turn below `/take/late`; else shows the request. */
const application: Application = async (environ, startResponse) => {
  const { PATH_INFO: path } = environ;
  const upgrade = environ['gateway.upgrade'];
  if (path.startsWith('/take/late')) await new Promise((resolve) => setTimeout(resolve, 30));
  if (path.startsWith('/take') && upgrade !== undefined) {
    // node's own socket.
    const socket = upgrade().socket as Socket;
    socket.write(SWITCHED);
    socket.pipe(socket);
    return [];
  }
  const content = await environ['wsgi.input'].read();
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [`${upgrade !== undefined} ${environ.REQUEST_METHOD} ${path} ${Buffer.from(content)}`];
};

const asking = (path: string, more = '', method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n${more}\r\n`;

const servers: Server[] = [];
const clients: WireClient[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const client of clients.splice(0)) client.destroy();
  for (const server of servers.splice(0)) {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
});

async function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** A server of the application alone, with its upgrades. */
async function start(): Promise<Server> {
  // The messages of HTTP/1 are those of the listener.
  const listener = toNode(application) as RequestListener;
  return (await listen(listener)).on('upgrade', upgrades(listener));
}

function open(server: Server): WireClient {
  // The address is a string only for a pipe.
  const { port } = server.address() as AddressInfo;
  const client = new WireClient(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  clients.push(client);
  return client;
}

async function exchange(server: Server, octets: string): Promise<string> {
  const client = open(server);
  client.send(octets);
  return (await client.readResponse()).content.toString();
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((_error, count) => resolve(count));
  });
}

async function expectTaken(client: WireClient): Promise<void> {
  expect((await client.readHead()).statusCode).toBe(101);
  client.send('echo');
  expect((await client.readOctets(4)).toString()).toBe('echo');
}

describe('a request with an upgrade that is not offered', () => {
  it.each([
    ['a length', 'Content-Length: 3\r\n', 'abc'],
    ['chunks', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'],
  ])('keeps its content, by %s', async (_form, fields, content) => {
    const server = await start();
    expect(await exchange(server, asking('/take', fields, 'POST') + content)).toBe('false POST /take abc');
    const client = open(server);
    client.send(asking('/take', fields, 'POST') + content.slice(0, 2));
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.send(content.slice(2));
    expect((await client.readResponse()).content.toString()).toBe('false POST /take abc');
  });

  it('does not smuggle what follows its content', async () => {
    const server = await start();
    const client = open(server);
    const next = 'GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    client.send(asking('/take', `Content-Length: ${next.length}\r\n`, 'POST') + next + next);
    expect((await client.readResponse()).content.toString()).toBe(`false POST /take ${next}`);
    const rest = (await client.readRest()).toString();
    // Node from 25 on ends the connection, before it serves the rest.
    expect(rest === '' || /^HTTP\/1\.1 200 OK.*false GET \/next $/s.test(rest)).toBe(true);
  });

  it('is served as usual if it asks for h2c, as clients of Java do', async () => {
    const server = await start();
    const client = open(server);
    client.send(asking('/take').replace('Upgrade: x', 'HTTP2-Settings: AAA\r\nUpgrade: h2c'));
    const { headers, content } = await client.readResponse();
    expect(content.toString()).toBe('false GET /take ');
    expect(headers).toContainEqual(['Connection', 'keep-alive']);
    client.send(asking('/take'));
    await expectTaken(client);
  });

  it('leaves no listener behind on a connection that asks again and again', async () => {
    const server = await start();
    const counts: number[] = [];
    server.on('request', ({ socket }) => {
      counts.push(socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0));
    });
    const client = open(server);
    for (let count = 0; count < 30; count += 1) {
      client.send(asking('/take').replace('Upgrade: x', 'Upgrade: h2c'));
      expect((await client.readResponse()).content.toString()).toBe('false GET /take ');
    }
    expect(new Set(counts.slice(1)).size).toBe(1);
  });

  it('is refused without a Host', async () => {
    const server = await start();
    const client = open(server);
    client.send(asking('/take').replace('Host: a\r\n', ''));
    expect((await client.readResponse()).statusCode).toBe(400);
    expect(await client.farewell()).toBe('end');
  });

  it('is answered in HTTP/1.0', async () => {
    const server = await start();
    expect(await exchange(server, asking('/take').replace('HTTP/1.1', 'HTTP/1.0'))).toBe('false GET /take ');
  });
});

describe('an answer instead of the upgrade', () => {
  it('reaches a client that has sent more, and ends the connection', async () => {
    const server = await start();
    const client = open(server);
    client.send(`${asking('/answer')}${'early'.repeat(20_000)}`);
    const { headers, content } = await client.readResponse();
    expect(content.toString()).toBe('true GET /answer ');
    expect(headers).toContainEqual(['Connection', 'close']);
    expect(await client.farewell()).toBe('end');
    client.halfClose();
    await vi.waitFor(async () => expect(await connectionsOf(server)).toBe(0));
  });

  it('does not wait for ever for a client to close', async () => {
    const server = await start();
    const client = open(server);
    client.send(asking('/answer'));
    await client.readResponse();
    expect(await connectionsOf(server)).toBe(1);
    await vi.waitFor(async () => expect(await connectionsOf(server)).toBe(0), 4000);
  });
});

describe('other listeners of upgrade', () => {
  /** Takes what is for `/other`, as the reloading of Vite does, and leaves the rest alone. */
  const other = ({ url }: IncomingMessage, socket: Duplex): void => {
    if (url !== '/other') return;
    socket.write(`${SWITCHED}other`);
    socket.resume().on('end', () => socket.end());
  };

  it.each(['before', 'after'])('take their own at once, added %s', async (order) => {
    const listener = toNode(application) as RequestListener;
    const server = await listen(listener);
    if (order === 'before') server.on('upgrade', other);
    server.on('upgrade', upgrades(listener));
    if (order === 'after') server.on('upgrade', other);
    const client = open(server);
    client.send(asking('/other'));
    expect((await client.readHead()).statusCode).toBe(101);
    expect((await client.readOctets(5)).toString()).toBe('other');
    expect(await client.isSilent(50)).toBe(true);
    const ours = open(server);
    ours.send(asking('/take'));
    await expectTaken(ours);
  });

  it('have what is below no path; what nobody takes is closed', async () => {
    const listener = toNode(application) as RequestListener;
    const server = await listen(listener);
    server.on('upgrade', upgrades(listener, { paths: ['/take/', '/answer'] }));
    // Alone it leaves nothing to others.
    expect(await exchange(server, asking('/elsewhere'))).toBe('true GET /elsewhere ');
    server.on('upgrade', other);
    for (const path of ['/take', '/TAKE/late?x', '/take/x']) {
      const client = open(server);
      client.send(asking(path.toLowerCase()));
      await expectTaken(client);
    }
    expect(await exchange(server, asking('/ANSWER'))).toBe('true GET /ANSWER ');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [lost, taken] = [open(server), open(server)];
    lost.send(asking('/takes'));
    taken.send(asking('/other'));
    await once(server, 'upgrade');
    await taken.readHead();
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    expect((await lost.readRest()).toString()).toBe('');
    expect((await taken.readOctets(5)).toString()).toBe('other');
  });

  it('of the same kind do not answer twice', async () => {
    const first = express().use('/one', toExpress(application));
    const second = express().use('/two', toExpress(application));
    const server = await listen(first);
    server
      .on('upgrade', upgrades(first, { paths: ['/one'] }))
      .on('upgrade', upgrades(second, { paths: ['/two'] }));
    for (const path of ['/one/take', '/two/take']) {
      const client = open(server);
      client.send(asking(path));
      await expectTaken(client);
    }
    server.removeAllListeners('upgrade').on('upgrade', upgrades(first)).on('upgrade', upgrades(second));
    const client = open(server);
    client.send(asking('/two/take'));
    expect((await client.readResponse()).statusCode).toBe(404);
    expect((await client.readRest()).toString()).toBe('');
  });
});

describe('the host around a mount', () => {
  it('cannot write between the octets of the other protocol, and hears of the end', async () => {
    const events: unknown[] = [];
    const app = express();
    app.use((_request, response, next) => {
      response.on('close', () => events.push('close', response.writableFinished));
      setTimeout(() => response.status(503).send('too late'), 50);
      next();
    });
    app.use(toExpress(application));
    const server = await listen(app);
    server.on('upgrade', upgrades(app));
    const client = open(server);
    client.send(asking('/take'));
    await expectTaken(client);
    expect(await client.isSilent(100)).toBe(true);
    expect(events).toEqual([]);
    client.halfClose();
    await vi.waitFor(() => expect(events).toEqual(['close', false]));
  });

  it('keeps its answer if it is the first', async () => {
    const errors: unknown[] = [];
    const app = express();
    app.use((_request, response, next) => {
      response.status(202).write('the host ');
      next();
    });
    app.use(toExpress(application));
    app.use((error: unknown, _request: unknown, response: express.Response, _next: unknown) => {
      errors.push(error);
      response.end('answers');
    });
    const server = await listen(app);
    server.on('upgrade', upgrades(app));
    expect(await exchange(server, asking('/take'))).toBe('the host answers');
    expect(errors).toMatchObject([{ code: 'WSGI_ERR_RESPONSE_TAKEN' }]);
  });
});

describe('a client that leaves', () => {
  it.each(['/take/late', '/take', '/answer'])('throws nothing, at %s', async (path) => {
    const server = await start();
    for (let count = 0; count < 20; count += 1) {
      const client = open(server);
      client.send(asking(path));
      if (count % 2 === 0) await once(server, 'upgrade');
      client.reset();
    }
    await vi.waitFor(async () => expect(await connectionsOf(server)).toBe(0));
    const client = open(server);
    client.send(asking('/take'));
    await expectTaken(client);
  });

  it('is told to an application that has not answered', async () => {
    const reasons: unknown[] = [];
    const listener = toNode(async (environ) => {
      const signal = environ['gateway.signal']?.();
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      reasons.push(signal?.reason);
      try {
        environ['gateway.upgrade']?.();
      } catch (error) {
        reasons.push(error);
      }
      return [];
    }) as RequestListener;
    const server = (await listen(listener)).on('upgrade', upgrades(listener));
    const client = open(server);
    client.send(asking('/'));
    await once(server, 'upgrade');
    client.halfClose();
    await vi.waitFor(() => expect(reasons).toHaveLength(2));
    expect(reasons.every(isDisconnection)).toBe(true);
    expect(await connectionsOf(server)).toBe(0);
  });
});

describe('upgrades()', () => {
  it('waits for an instance of Fastify to be ready, and closes if it cannot be', async () => {
    const slow = fastify();
    slow.register(async (scope) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      scope.get('/', async () => 'ready');
    });
    const server = await listen(() => {});
    server.on('upgrade', upgradesOfFastify(slow));
    expect(await exchange(server, asking('/'))).toBe('ready');
    const broken = fastify();
    broken.register(async () => Promise.reject(new Error('broken')));
    server.removeAllListeners('upgrade').on('upgrade', upgradesOfFastify(broken));
    const client = open(server);
    client.send(asking('/'));
    expect((await client.readRest()).toString()).toBe('');
    await slow.close();
  });

  it('takes any Duplex, and a call by hand', async () => {
    let written = '';
    const socket = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        written += chunk;
        done();
      },
    });
    const request = Object.assign(
      new IncomingMessage(connect({ port: 1, host: '127.0.0.1' }).on('error', () => {})),
      {
        url: '/x',
        method: 'GET',
        httpVersion: '1.1',
        headers: { host: 'a', upgrade: 'x', connection: 'upgrade' },
        upgrade: true,
      },
    );
    const listener = upgrades(express().use(toExpress(application)));
    listener.call(undefined, request, socket, Buffer.alloc(0));
    await vi.waitFor(() => expect(socket.writableFinished).toBe(true));
    expect(written).toContain('true GET /x ');
    request.destroy();
  });

  it('refuses what is no app, and wrong options', () => {
    // Wrong on purpose.
    const wrong = (value: unknown) => value as never;
    expect(() => upgrades(wrong(fastify()))).toThrow('use upgrades of gatebridge/fastify');
    expect(() => upgradesOfFastify(wrong(express()))).toThrow('use upgrades of gatebridge/express');
    expect(() => upgradesOfFastify(wrong(undefined))).toThrow(TypeError);
    expect(() => upgrades(express(), wrong({ path: '/x' }))).toThrow('did you mean paths?');
    expect(() => upgrades(express(), wrong({ paths: '/x' }))).toThrow('list');
    expect(() => upgrades(express(), { paths: ['x'] })).toThrow("such as '/chat'");
  });
});
