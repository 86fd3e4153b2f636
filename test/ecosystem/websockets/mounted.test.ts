/** WebSockets and Socket.IO of mounted programs, on every host, with TLS and without. */
import { once } from 'node:events';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { io } from 'socket.io-client';
import { describe, expect, it, vi } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { HOSTS, type OpenedSite, openForEach } from './sites.ts';

const openSite = openForEach();

interface Opened extends OpenedSite {
  url(path: string): string;
  open(path: string, protocols?: string[], options?: ClientOptions): Promise<WebSocket>;
}

async function start(host: string, isTls: boolean): Promise<Opened> {
  const opened = await openSite(host, isTls);
  const url = (path: string): string =>
    `${isTls ? 'wss' : 'ws'}://127.0.0.1:${opened.site.port}${opened.site.mount}${path}`;
  return {
    ...opened,
    url,
    async open(path, protocols = [], options = {}) {
      const socket = new WebSocket(url(path), protocols, { rejectUnauthorized: false, ...options });
      await once(socket, 'open');
      return socket;
    },
  };
}

async function ask(socket: WebSocket, message: string | Buffer): Promise<Buffer> {
  const answered = once(socket, 'message');
  socket.send(message);
  const [data] = await answered;
  return data;
}

async function end(socket: WebSocket, act: () => void): Promise<string> {
  const closed = once(socket, 'close');
  act();
  const [code, reason] = await closed;
  return `${code} ${reason}`;
}

/** Gives the status with which a handshake is refused. */
function refusal(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { rejectUnauthorized: false });
    socket.on('open', () => reject(new Error('It was accepted')));
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode);
      response.resume();
    });
  });
}

function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const get = url.startsWith('wss') ? getSecure : getPlain;
    const request = get(url.replace(/^ws/, 'http'), { rejectUnauthorized: false }, (response) => {
      response.toArray().then((pieces) => resolve(pieces.join('')), reject);
    });
    request.on('error', reject);
  });
}

const EVERY_HOST = Object.keys(HOSTS).flatMap((host) => [[host, false] as const, [host, true] as const]);

describe.each(EVERY_HOST)('%s, with TLS: %s', (host, isTls) => {
  it('lets ws talk', async () => {
    const { open, programs: own } = await start(host, isTls);
    const socket = await open('/ws/a/b?c=d', ['first', 'second']);
    expect(socket.protocol).toBe('second');
    expect(String(await ask(socket, 'where'))).toBe('/a/b?c=d true');
    for (const length of [0, 125, 126, 65_535, 65_536, 5_000_000]) {
      const octets = Buffer.alloc(length, 'octets');
      expect((await ask(socket, octets)).equals(octets), `${length} octets`).toBe(true);
    }
    expect(String(await ask(socket, 'x'.repeat(100_000)))).toHaveLength(100_000);
    expect(await end(socket, () => socket.close(4000, 'bye'))).toBe('4000 bye');
    const other = await open('/ws');
    expect(await end(other, () => other.send('close'))).toBe('4001 enough');
    await vi.waitFor(() => expect(own.trail).toEqual(['closed 4000 bye', 'closed 4001 enough']));
  });

  it('notices whoever is lost', async () => {
    const { open, programs: own, site: own2 } = await start(host, isTls);
    const lost = await open('/ws');
    lost.terminate();
    await vi.waitFor(() => expect(own.trail).toEqual(['closed 1006 ']));
    const left = await open('/ws');
    expect(await end(left, () => left.send('terminate'))).toBe('1006 ');
    await vi.waitFor(async () => expect(await own2.connections()).toBe(0));
  });

  it('lets @fastify/websocket talk', async () => {
    const { open, url } = await start(host, isTls);
    const socket = await open('/routes/echo?x=1');
    expect(String(await ask(socket, 'hello'))).toBe('/echo?x=1 hello');
    await end(socket, () => socket.close());
    expect(await refusal(url('/routes/nowhere'))).toBe(404);
    expect(await refusal(url('/routes/echo?refuse'))).toBe(401);
  });

  it('lets Socket.IO talk', async () => {
    const {
      site: { port, mount },
    } = await start(host, isTls);
    const address = `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`;
    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
      const client = io(address, {
        path: `${mount}/io/socket.io`,
        transports,
        rejectUnauthorized: false,
        forceNew: true,
      });
      const timed = client.timeout(5000);
      expect(await timed.emitWithAck('question', transports.join())).toBe(`${transports} answered`);
      expect(await timed.emitWithAck('octets', Buffer.from([0, 1, 255]))).toEqual(Buffer.from([0, 1, 255]));
      if (transports.length > 1)
        await vi.waitFor(() => expect(client.io.engine.transport.name).toBe('websocket'));
      client.disconnect();
    }
  });

  it('answers everything else as before', async () => {
    const { url } = await start(host, isTls);
    expect(await read(url('/ws/page?x'))).toBe('page /page?x');
    expect(await read(url('/routes/page'))).toBe('page of Fastify');
    expect(await read(url('/io/'))).toBe('page of Express');
    expect(await refusal(url('/nowhere'))).toBe(404);
    expect(await refusal(url('/../elsewhere'))).toBe(404);
  });
});

describe.each(['the standalone server', 'Express, below a nested router', 'Fastify, below a prefix'])(
  '%s',
  (host) => {
    it('has nothing left of 1,000 sockets', { timeout: 60_000 }, async () => {
      const { open, programs: own, site: own2 } = await start(host, false);
      for (let round = 0; round < 10; round += 1) {
        const sockets = await Promise.all(Array.from({ length: 100 }, () => open('/ws')));
        expect(own.sockets.clients.size).toBe(100);
        await ask(sockets[0] as WebSocket, 'x');
        for (const [index, socket] of sockets.entries()) {
          if (index % 3 === 0) socket.terminate();
          else socket.close();
        }
        await vi.waitFor(async () => {
          expect(own.sockets.clients.size).toBe(0);
          expect(await own2.connections()).toBe(0);
        }, 5000);
      }
    });
  },
);
