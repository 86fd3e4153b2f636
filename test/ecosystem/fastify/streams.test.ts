/**
 * Downloads of a hundred megabytes and uploads of fifty, with clients that pause: no side may buffer what the other
 * does not take. Counts octets, not time.
 */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request, until } from '../../messages/side-by-side.ts';
import { closeAll, type Place, type PlaceName, serveEverywhere } from './three-servers.ts';

const PLACES: readonly PlaceName[] = ['node', 'fromFastify', 'serverFactory'];
const MEGABYTE = 2 ** 20;
const PIECE = Buffer.alloc(65_536, 'a piece of sixty-four kilobytes ');
const DOWN = 100 * MEGABYTE;
const UP = 50 * MEGABYTE;
/** The most that both kernels may buffer on loopback, generously. */
const IN_KERNELS = 24 * MEGABYTE;
/** The most that the process may buffer: a few pieces. */
const IN_PROCESS = MEGABYTE;

interface Account {
  /** Octets that the app has produced or read. */
  moved: number;
  /** The most that messages and socket held at once. */
  peak: number;
  isClosed: boolean;
  go: () => void;
}

let places: readonly Place[];
const accounts = new Map<PlaceName, Account>();

beforeAll(async () => {
  places = await serveEverywhere((options, name) => {
    const app = fastify({ ...options, bodyLimit: UP });
    addRoutes(app, name);
    return app;
  });
});

afterAll(() => closeAll(places));

function begin(name: PlaceName): Account {
  const account = { moved: 0, peak: 0, isClosed: false, go: () => {} };
  accounts.set(name, account);
  return account;
}

function addRoutes(app: FastifyInstance, name: PlaceName): void {
  app.get('/down', (req, reply) => {
    const account = begin(name);
    const payload = new Readable({
      read() {
        account.peak = Math.max(account.peak, reply.raw.writableLength, req.raw.socket?.writableLength ?? 0);
        if (account.moved >= DOWN) {
          this.push(null);
          return;
        }
        account.moved += PIECE.length;
        this.push(PIECE);
      },
    });
    payload.on('close', () => {
      account.isClosed = true;
    });
    return reply.header('content-length', DOWN).send(payload);
  });
  app.addContentTypeParser('x/up', (_req, payload, done) => done(null, payload));
  app.post('/up', async (req) => {
    const account = begin(name);
    await new Promise<void>((resolve) => {
      account.go = resolve;
    });
    const hash = createHash('sha256');
    // Its parser passes the stream through.
    for await (const piece of req.body as AsyncIterable<Buffer>) {
      account.peak = Math.max(account.peak, req.raw.readableLength);
      account.moved += piece.length;
      hash.update(piece);
    }
    return { length: account.moved, hash: hash.digest('hex') };
  });
}

function visit(name: PlaceName, head: string): Socket {
  const socket = connect(places.find((place) => place.name === name)?.port ?? 0, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(head);
  return socket;
}

function accountOf(name: PlaceName): Account {
  const account = accounts.get(name);
  if (account === undefined) throw new TypeError('Nothing has begun');
  return account;
}

/** Waits until a number stops growing. */
async function standstill(count: () => number): Promise<number> {
  for (;;) {
    const before = count();
    await wait(50);
    if (count() === before) return before;
  }
}

describe.each(PLACES)('Fastify by %s', (name) => {
  it('produces no more than a client takes', async () => {
    const socket = visit(name, request('GET', '/down'));
    // A paused socket still takes its first piece.
    socket.pause();
    await until(() => (accounts.get(name)?.moved ?? 0) > 0);
    const account = accountOf(name);
    expect(await standstill(() => account.moved)).toBeLessThan(IN_KERNELS);
    let length = 0;
    for await (const piece of socket) length += piece.length;
    expect(length).toBeGreaterThan(DOWN);
    expect(length).toBeLessThan(DOWN + 1000);
    expect(account.moved).toBe(DOWN);
    expect(account.peak).toBeLessThan(IN_PROCESS);
    accounts.delete(name);
  });

  it('stops when the client leaves during a download', async () => {
    const socket = visit(name, request('GET', '/down'));
    let length = 0;
    for await (const piece of socket) {
      length += piece.length;
      if (length > 5 * MEGABYTE) break;
    }
    const account = accountOf(name);
    await until(() => account.isClosed);
    expect(account.moved).toBeLessThan(5 * MEGABYTE + 2 * IN_KERNELS);
    accounts.delete(name);
  });

  it('reads no more than the app wants', async () => {
    const socket = visit(name, request('POST', '/up', ['Content-Type: x/up', `Content-Length: ${UP}`]));
    const expected = createHash('sha256');
    let given = 0;
    const feed = Readable.from(
      (function* pieces() {
        while (given < UP) {
          given += PIECE.length;
          expected.update(PIECE);
          yield PIECE;
        }
      })(),
      { highWaterMark: 1 },
    );
    feed.pipe(socket, { end: false });
    await until(() => accounts.has(name));
    const account = accountOf(name);
    expect(await standstill(() => given)).toBeLessThan(IN_KERNELS);
    account.go();
    let answer = '';
    for await (const piece of socket) answer += piece;
    expect(answer).toContain(`{"length":${UP},"hash":"${expected.digest('hex')}"}`);
    expect(account.peak).toBeLessThan(IN_PROCESS);
    accounts.delete(name);
  });
});
