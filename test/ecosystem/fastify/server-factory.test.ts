/** Fastify's own `listen()` and `close()` with `serverFactory` and the standalone server, as on node:http. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createNodeServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { fromNode } from '../../../bridges/node/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { request, transcript, until } from '../../messages/side-by-side.ts';
import { serverFactory } from './three-servers.ts';

const KINDS = ['node:http', 'serverFactory'] as const;
type Kind = (typeof KINDS)[number];
const LOCAL = { port: 0, host: '127.0.0.1' };
const apps: FastifyInstance[] = [];

afterEach(async () => {
  for (const app of apps.splice(0)) {
    app.server.closeAllConnections();
    await app.close();
  }
});

function create(kind: Kind, options: FastifyServerOptions = {}): FastifyInstance {
  const app = fastify(kind === 'node:http' ? options : { ...options, serverFactory });
  apps.push(app);
  app.get('/', async () => 'here');
  return app;
}

function listeningOf(app: FastifyInstance): { port: number; log: string[]; close(): Promise<void> } {
  // Has an address: the app listens on a port.
  const { port } = app.server.address() as AddressInfo;
  return { port, log: [], close: () => app.close() };
}

/** Sends one request on a connection of its own and returns the answer. */
function get(app: FastifyInstance, path = '/'): Promise<string> {
  return transcript(listeningOf(app), request('GET', path));
}

function kept(path: string): string {
  return request('GET', path).replace('Connection: close\r\n', '');
}

describe.each(KINDS)('listen() by %s', (kind) => {
  it('returns the address, in every form that Fastify has', async () => {
    const lines: string[] = [];
    const app = create(kind, { logger: { stream: { write: (line: string) => void lines.push(line) } } });
    const heard: string[] = [];
    app.addHook('onListen', async () => void heard.push('onListen'));
    const address = await app.listen(LOCAL);
    // Has an address: it listens on a port.
    const { port } = app.server.address() as AddressInfo;
    expect(address).toBe(`http://127.0.0.1:${port}`);
    expect(app.listeningOrigin).toBe(address);
    expect(app.addresses()).toEqual([{ address: '127.0.0.1', family: 'IPv4', port }]);
    expect(app.server.listening).toBe(true);
    await until(() => heard.length > 0);
    expect(lines.join('')).toContain(`Server listening at ${address}`);
    expect(await get(app)).toMatch(/here$/);
    expect((await app.inject('/')).body).toBe('here');
  });

  it('calls its callback, and refuses a second call', async () => {
    const app = create(kind);
    const address = await new Promise((resolve, reject) => {
      app.listen(LOCAL, (error, given) => (error === null ? resolve(given) : reject(error)));
    });
    expect(address).toBe(app.listeningOrigin);
    await expect(app.listen(LOCAL)).rejects.toMatchObject({ code: 'FST_ERR_REOPENED_SERVER' });
    await app.close();
    await expect(app.listen(LOCAL)).rejects.toMatchObject({ code: 'FST_ERR_REOPENED_CLOSE_SERVER' });
  });

  it('listens on all addresses of localhost', async () => {
    const app = create(kind);
    await app.listen({ port: 0 });
    // Have addresses: they listen on ports.
    for (const { address, port } of app.addresses() as AddressInfo[]) {
      const socket = connect(port, address);
      socket.write(request('GET', '/'));
      expect(String(Buffer.concat(await collect(socket)))).toMatch(/here$/);
    }
    await app.close();
    expect(app.server.listening).toBe(false);
  });

  it('rejects if the port is taken', async () => {
    const first = create(kind);
    await first.listen(LOCAL);
    const { port } = listeningOf(first);
    await expect(create(kind).listen({ ...LOCAL, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('listens on a unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatebridge-'));
    const path = join(folder, 'socket');
    const app = create(kind);
    expect(await app.listen({ path })).toBe(path);
    const socket = connect(path);
    socket.write(request('GET', '/'));
    expect(String(Buffer.concat(await collect(socket)))).toMatch(/here$/);
    await app.close();
    await rm(folder, { recursive: true });
  });

  it('stops when its signal aborts', async () => {
    const app = create(kind);
    const controller = new AbortController();
    const closed: string[] = [];
    app.addHook('onClose', async () => void closed.push('onClose'));
    await app.listen({ ...LOCAL, signal: controller.signal });
    controller.abort();
    await until(() => closed.length > 0 && !app.server.listening);
  });
});

async function collect(socket: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece);
  return pieces;
}

describe.each(KINDS)('close() by %s', (kind) => {
  /** An app whose `/slow` waits until it is released. */
  async function createSlow(options: FastifyServerOptions = {}) {
    const app = create(kind, options);
    const trail: string[] = [];
    let letGo = (): void => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    app.get('/slow', async () => {
      trail.push('begun');
      await gate;
      return 'slow';
    });
    app.addHook('preClose', async () => void trail.push('preClose'));
    app.addHook('onClose', async () => void trail.push('onClose'));
    await app.listen(LOCAL);
    return { app, trail, letGo };
  }

  it('waits for running requests and accepts no new ones', async () => {
    const { app, trail, letGo } = await createSlow();
    const { port } = listeningOf(app);
    const slow = get(app, '/slow');
    await until(() => trail.includes('begun'));
    const closed = app.close().then(() => trail.push('closed'));
    await until(() => !app.server.listening);
    await expect(transcript({ port, log: [], close: async () => {} }, request('GET', '/'))).rejects.toThrow(
      'ECONNREFUSED',
    );
    trail.push('let go');
    letGo();
    expect(await slow).toMatch(/slow$/);
    await closed;
    expect(trail).toEqual(['begun', 'preClose', 'let go', 'onClose', 'closed']);
    await expect(app.inject('/')).rejects.toMatchObject({ code: 'FST_ERR_REOPENED_CLOSE_SERVER' });
  });

  it.each([true, false])('answers late requests, return503OnClosing: %s', async (return503OnClosing) => {
    const { app, trail, letGo } = await createSlow({ return503OnClosing });
    const { port } = listeningOf(app);
    const socket = connect(port, '127.0.0.1');
    const pieces: Buffer[] = [];
    socket.on('data', (piece) => pieces.push(piece));
    socket.write(kept('/slow'));
    await until(() => trail.includes('begun'));
    const closed = app.close();
    await until(() => !app.server.listening);
    letGo();
    await until(() => String(Buffer.concat(pieces)).endsWith('slow'));
    socket.write(kept('/'));
    await until(() => socket.readableEnded || socket.destroyed);
    await closed;
    expect(String(Buffer.concat(pieces))).toMatch(
      return503OnClosing ? / 503 .*"statusCode":503}$/s : /here$/,
    );
  });

  it('drops idle connections', async () => {
    const { app } = await createSlow();
    const socket = connect(listeningOf(app).port, '127.0.0.1');
    const pieces: Buffer[] = [];
    socket.on('data', (piece) => pieces.push(piece));
    socket.write(kept('/'));
    await until(() => String(Buffer.concat(pieces)).endsWith('here'));
    await app.close();
    await until(() => socket.destroyed);
  });

  it('drops all connections with forceCloseConnections', async () => {
    const { app, trail } = await createSlow({ forceCloseConnections: true });
    const slow = transcript(listeningOf(app), kept('/slow')).catch(() => '');
    await until(() => trail.includes('begun'));
    await app.close();
    expect(await slow).toBe('');
  });
});

describe('an app on the standalone server', () => {
  const BAD: readonly (readonly [string, string])[] = [
    ['the request line', 'nonsense\r\n\r\n'],
    ['a field', 'GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n'],
    ['a length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n'],
    ['fields beyond the limit', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
  ];

  it.each(BAD)('answers malformed requests as on node:http: %s', async (_name, text) => {
    const [node, ours] = await Promise.all(
      KINDS.map(async (kind) => {
        const app = create(kind);
        await app.listen(LOCAL);
        return transcript(listeningOf(app), text);
      }),
    );
    expect(node).toMatch(/^HTTP\/1\.1 4\d\d .*"statusCode":4\d\d}$/s);
    expect(ours).toBe(node);
  });

  it('passes client errors to a handler of the app', async () => {
    const [node, ours] = await Promise.all(
      KINDS.map(async (kind) => {
        const seen: unknown[] = [];
        const app = create(kind, {
          clientErrorHandler(error, socket) {
            const { code, rawPacket } = error;
            seen.push(code, String(rawPacket), socket.writable);
            socket.end('HTTP/1.1 499 Own\r\n\r\n');
          },
        });
        await app.listen(LOCAL);
        return [await transcript(listeningOf(app), 'GET / HTTP/1.1\r\nbro ken: x\r\n\r\n'), seen];
      }),
    );
    expect(ours).toEqual(node);
  });

  it('leaves time-outs and limits to the maker of the server', async () => {
    const app = fastify({
      serverFactory: (handler, options) => {
        return createServer(fromNode(handler), {
          keepAliveTimeout: Number(options.keepAliveTimeout),
          requestTimeout: Number(options.requestTimeout),
          maxRequestsPerSocket: Number(options.maxRequestsPerSocket),
          timeout: Number(options.connectionTimeout),
        });
      },
      keepAliveTimeout: 3000,
      requestTimeout: 7000,
      maxRequestsPerSocket: 2,
      connectionTimeout: 9000,
    });
    apps.push(app);
    app.get('/', async () => 'here');
    await app.listen(LOCAL);
    const { server } = app;
    expect([server.keepAliveTimeout, server.requestTimeout, server.timeout]).toEqual([3000, 7000, 9000]);
    const text = await transcript(listeningOf(app), kept('/'), 'answer', kept('/'));
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(text).toMatch(/Keep-Alive: timeout=3, max=2[\s\S]*Connection: close/);
  });

  it.each(KINDS)('accepts changes of its time-outs (%s)', async (kind) => {
    const app = create(kind, { connectionTimeout: 60 });
    if (kind === 'serverFactory') app.server.setTimeout(60);
    const trail: string[] = [];
    app.addHook('onTimeout', async (req) => void trail.push(`onTimeout ${req.url}`));
    app.get('/silent', async (req) => {
      await new Promise((resolve) => req.raw.on('close', resolve));
      trail.push('closed');
    });
    await app.listen(LOCAL);
    app.server.keepAliveTimeout = 1000;
    expect(await transcript(listeningOf(app), request('GET', '/silent'))).toBe('');
    await until(() => trail.length === 2);
    expect(trail.sort()).toEqual(['closed', 'onTimeout /silent']);
  });

  it('can be served by other servers too', async () => {
    const app = create('serverFactory');
    await app.listen(LOCAL);
    const other = createNodeServer((req, res) => app.routing(req, res));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    // Has an address: it listens on a port.
    const { port } = other.address() as AddressInfo;
    expect(await transcript({ port, log: [], close: async () => {} }, request('GET', '/'))).toBe(
      await get(app),
    );
    await new Promise((resolve) => other.close(resolve));
    await wait(0);
  });
});
