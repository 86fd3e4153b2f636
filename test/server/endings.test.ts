/**
 * The end of requests and connections, as client and application see it.
 *
 * Whenever a request ends, an iterator that has not finished is returned, the body is closed once, and
 * `gateway.signal` is aborted only if the client really left.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WireClient } from '../../src/conformance/wire-client.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import type { Application } from '../../src/wsgi.ts';
import {
  connections,
  expectJournal,
  hello,
  type Journal,
  journaled,
  LEFT,
  NORMAL,
  type Pieces,
  readAll,
} from './journal.ts';
import { type RunningServer, startServer } from './support.ts';

let running: RunningServer;
afterEach(() => running.stop());

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield Buffer.alloc(1000, 'x');
    await delay(1);
  }
}

function* flood(): Generator<Uint8Array> {
  for (;;) yield Buffer.alloc(65_536, 'x');
}

async function* slowHello(): AsyncGenerator<string> {
  yield 'Hel';
  await delay(200);
  yield 'lo';
}

async function start(application: Application, options?: ServerOptions): Promise<WireClient> {
  running = await startServer(application, options);
  const client = running.connect();
  await new Promise((resolve) => client.socket.once('connect', resolve));
  return client;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (length: number): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('a response that ends by itself', () => {
  it.each<[string, string, Pieces]>([
    ['short', GET, hello],
    ['slow', GET, slowHello],
    ['to HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', slowHello],
    ['to a client that asks to close', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', slowHello],
  ])('aborts nothing: %s', async (_name, request, pieces) => {
    const journal: Journal = [];
    const client = await start(journaled(journal, pieces));
    client.send(request);
    expect((await client.readResponse()).content.toString()).toBe('Hello');
    await expectJournal(journal, NORMAL);
    // Leaving after the response is no disconnect.
    client.reset();
    await delay(50);
    expect(journal).toEqual(NORMAL);
  });

  it('aborts nothing after a half-close', async () => {
    const journal: Journal = [];
    const client = await start(journaled(journal, slowHello));
    client.send(GET);
    client.halfClose();
    expect((await client.readResponse()).content.toString()).toBe('Hello');
    expect(await client.farewell()).toBe('end');
    await expectJournal(journal, NORMAL);
  });

  it('aborts nothing after a half-close behind content', async () => {
    const journal: Journal = [];
    const client = await start(journaled(journal, slowHello, readAll));
    client.send(`${post(3)}abc`);
    client.halfClose();
    expect((await client.readResponse()).content.toString()).toBe('Hello');
    await expectJournal(journal, NORMAL);
  });

  it('aborts nothing after a half-close behind content that is not read', async () => {
    const journal: Journal = [];
    const client = await start(journaled(journal, slowHello));
    client.send(`${post(3)}abc`);
    client.halfClose();
    expect((await client.readResponse()).content.toString()).toBe('Hello');
    await expectJournal(journal, NORMAL);
  });

  it('answers all pipelined requests after a half-close', async () => {
    const journal: Journal = [];
    const client = await start(journaled(journal, hello));
    client.send(GET + GET + GET);
    client.halfClose();
    for (let count = 0; count < 3; count += 1) {
      expect((await client.readResponse()).content.toString()).toBe('Hello');
    }
    expect(await client.farewell()).toBe('end');
    await expectJournal(journal, [...NORMAL, ...NORMAL, ...NORMAL]);
  });
});

describe('a client that leaves', () => {
  it.each(['reset', 'destroy'] as const)('ends the response that it leaves by %s', async (way) => {
    const journal: Journal = [];
    const client = await start(journaled(journal, endless));
    client.send(GET);
    await client.readHead();
    client[way]();
    await expectJournal(journal, LEFT);
    expect(running.log).toEqual([]);
  });

  it('by a reset before the head gets its late body closed unread', async () => {
    const journal: Journal = [];
    const client = await start(
      journaled(journal, hello, async (environ) => {
        // Of this type in the environ of our server.
        const signal = (environ['gateway.signal'] as () => AbortSignal)();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      }),
    );
    client.send(GET);
    await delay(30);
    client.reset();
    await vi.waitFor(() => expect(journal.toSorted()).toEqual(['abort', 'close', 'finished']));
    await delay(30);
    expect(journal).toHaveLength(3);
    expect(running.log).toEqual([]);
  });

  it.each([
    ['with a length', `${post(10)}abc`],
    ['in chunks', `${CHUNKED}5\r\nabc`],
  ])('during content %s ends the request silently', async (_name, request) => {
    for (const leave of ['reset', 'halfClose'] as const) {
      const journal: Journal = [];
      const client = await start(journaled(journal, hello, readAll));
      client.send(request);
      await delay(30);
      client[leave]();
      if (leave === 'halfClose') expect((await client.readRest()).length).toBe(0);
      await expectJournal(journal, ['abort', 'finished']);
      expect(running.log).toEqual([]);
      if (leave === 'reset') await running.stop();
    }
  });

  it('during an earlier response ends that one, and its later requests are not served', async () => {
    const journal: Journal = [];
    const client = await start(journaled(journal, endless));
    client.send(GET + GET + GET);
    await client.readHead();
    client.reset();
    await expectJournal(journal, LEFT);
  });

  it('does not affect other clients', async () => {
    const journal: Journal = [];
    const client = await start(journaled(journal, endless));
    const other = running.connect();
    client.send(GET);
    other.send(GET);
    await client.readHead();
    await other.readHead();
    client.reset();
    await delay(50);
    expect(await other.readChunk()).toHaveLength(1000);
    expect(journal).toEqual(LEFT);
  });

  it('does not harm the server at any moment', async () => {
    const journal: Journal = [];
    let begun = 0;
    const application = journaled(journal, hello, (environ) => {
      begun += 1;
      return readAll(environ);
    });
    running = await startServer(application);
    const request = `${CHUNKED}3\r\nabc\r\n0\r\n\r\n${GET}`;
    for (let length = 0; length <= request.length; length += 3) {
      const client = running.connect();
      client.send(request.slice(0, length));
      await delay(length % 2);
      client.reset();
    }
    const client = running.connect();
    client.send(GET);
    expect((await client.readResponse()).statusCode).toBe(200);
    await vi.waitFor(() => expect(journal.filter((event) => event === 'finished')).toHaveLength(begun));
    expect(running.log).toEqual([]);
  });
});

describe('a client that reads nothing', () => {
  it.each<[string, Pieces]>([
    ['ready pieces', flood],
    [
      'one large piece',
      function* () {
        yield Buffer.alloc(50_000_000);
      },
    ],
  ])('is given up after writeTimeout: %s', async (_name, pieces) => {
    const journal: Journal = [];
    const client = await start(journaled(journal, pieces), { writeTimeout: 300 });
    client.socket.pause();
    client.send(GET);
    await vi.waitFor(() => expect(journal).toContain('finished'), 8000);
    expect(journal.filter((event) => event === 'close')).toHaveLength(1);
    expect(running.log).toEqual([]);
  });

  it('is given up if its responses are many and small', async () => {
    const journal: Journal = [];
    const client = await start(
      journaled(journal, function* () {
        yield Buffer.alloc(1_000_000);
      }),
      { writeTimeout: 300 },
    );
    client.socket.pause();
    client.send(GET.repeat(100));
    await vi.waitFor(async () => expect(await connections(running)).toBe(0), 8000);
    expect(journal.filter((event) => event === 'close').length).toBeLessThan(30);
  });

  it('is given up when its connection is to be closed', async () => {
    const client = await start(
      (_environ, startResponse) => {
        startResponse('200 OK', []);
        return [Buffer.alloc(50_000_000)];
      },
      { writeTimeout: 300 },
    );
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await vi.waitFor(async () => expect(await connections(running)).toBe(0), 8000);
  });
});

describe('the end of a connection', () => {
  it('lets the client read a response while it is still sending the request', async () => {
    const client = await start(journaled([], hello), { maxDrainSize: 1000 });
    client.send(post(100_000_000));
    const sending = setInterval(() => client.send('x'.repeat(20_000)), 5);
    const response = await client.readResponse();
    expect(response.content.toString()).toBe('Hello');
    expect(response.headers).toContainEqual(['Connection', 'close']);
    expect(await client.farewell()).toBe('end');
    clearInterval(sending);
  });

  it.each<[string, string | Buffer, number]>([
    ['a little', 'x', 20],
    ['a lot', Buffer.alloc(1_000_000), 5],
  ])('waits for a client that continues to send %s, up to lingerTimeout', async (_name, more, pause) => {
    const client = await start(journaled([], hello), { lingerTimeout: 1500 });
    client.send('BAD\r\n\r\n');
    const started = performance.now();
    await client.readResponse();
    const sending = setInterval(() => client.send(more), pause);
    await delay(1000);
    expect(await connections(running)).toBe(1);
    await vi.waitFor(async () => expect(await connections(running)).toBe(0), 5000);
    clearInterval(sending);
    expect(performance.now() - started).toBeGreaterThan(1490);
  });

  it('drains content within its limits and goes on', async () => {
    const journal: Journal = [];
    const client = await start(journaled(journal, hello), { maxDrainSize: 1_000_000 });
    for (const head of [post(1_000_000), CHUNKED]) {
      client.send(head);
      expect((await client.readResponse()).statusCode).toBe(200);
      client.send(
        head === CHUNKED ? `f4240\r\n${'x'.repeat(1_000_000)}\r\n0\r\n\r\n` : 'x'.repeat(1_000_000),
      );
    }
    client.send(GET);
    expect((await client.readResponse()).statusCode).toBe(200);
    await expectJournal(journal, [...NORMAL, ...NORMAL, ...NORMAL]);
  });
});
