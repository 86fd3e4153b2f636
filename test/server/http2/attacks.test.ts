/**
 * Attacks on servers of HTTP/2, each with a bound on what it can cost, and a client that is served meanwhile.
 *
 * The frames are those of the vulnerabilities that the names tell. Where node:http2 has the bound, the test holds it to it.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Application } from '../../../src/wsgi.ts';
import { hello } from '../support.ts';
import {
  block,
  CODE,
  data,
  END_HEADERS,
  type FrameClient,
  frame,
  headers,
  PREFACE,
  request,
  reset,
  settings,
  TYPE,
  windowUpdate,
} from './frames.ts';
import { fetchHttp2, type Http2Server, startForEach } from './support.ts';

const start = startForEach();

/** Another client is served, within a second. */
async function expectOthersServed({ session }: Http2Server): Promise<void> {
  const began = performance.now();
  const other = session();
  expect((await fetchHttp2(other)).status).toBe(200);
  other.destroy();
  expect(performance.now() - began).toBeLessThan(2_000);
}

/** Megabytes that the process has gained since the last call of the function that it gives. */
function memoryGain(): () => number {
  const { rss } = process.memoryUsage();
  return () => (process.memoryUsage().rss - rss) / 2 ** 20;
}

/** Sends as long as the server takes it, and waits until it has closed. */
async function flood(client: FrameClient, octets: Buffer, times: number): Promise<void> {
  for (let count = 0; count < times && !client.isClosed; count += 1) {
    if (!client.socket.write(octets)) await delay(1);
  }
  await client.closed();
}

const odd = (count: number): number => 2 * count + 1;

/** An application that works for a while after its client has left, as many do. */
const slow: Application = async (_environ, startResponse) => {
  await delay(300);
  startResponse('200 OK', []);
  return ['late'];
};

describe('streams that are reset', () => {
  it('CVE-2023-44487: ends a session whose client resets more streams than the burst', async () => {
    let calls = 0;
    const counting: Application = (environ, startResponse) => {
      calls += 1;
      return hello(environ, startResponse);
    };
    const server = await start(counting, { streamResetBurst: 50, streamResetRate: 1 });
    let error: unknown;
    server.server.on('sessionError', (reason) => {
      error = reason;
    });
    const client = server.frames().begin();
    const pairs = Array.from({ length: 2_000 }, (_, count) => [headers(odd(count)), reset(odd(count))]);
    client.send(...pairs.flat());
    await client.closed();
    expect(calls).toBeLessThan(60);
    expect(client.count(TYPE.GOAWAY)).toBeGreaterThan(0);
    expect(error).toBeInstanceOf(Error);
    await expectOthersServed(server);
  });

  it('CVE-2023-44487: does not start more applications than streams while clients reset', async () => {
    let isRunning = 0;
    let most = 0;
    const counting: Application = async (environ, startResponse) => {
      isRunning += 1;
      most = Math.max(most, isRunning);
      try {
        return await slow(environ, startResponse);
      } finally {
        isRunning -= 1;
      }
    };
    const server = await start(counting, { maxConcurrentStreams: 10 });
    const client = server.frames().begin();
    for (let count = 0; count < 200; count += 1) {
      client.send(headers(odd(count)), reset(odd(count)));
      if (count % 10 === 9) await delay(2);
    }
    await delay(100);
    // Those before the first reset, and as many orphans as streams.
    expect(most).toBeLessThanOrEqual(30);
    await expectOthersServed(server);
  });

  it('allows a client that resets now and then', async () => {
    const server = await start(slow, { streamResetBurst: 5, streamResetRate: 1_000 });
    const client = server.frames().begin();
    for (let count = 0; count < 20; count += 1) {
      client.send(headers(odd(count)), reset(odd(count)));
      await delay(10);
    }
    client.send(headers(odd(20)));
    expect(await client.end(odd(20))).toBe('whole');
  });

  const faults: Record<string, (streamId: number) => Buffer[]> = {
    'a window update of nothing': (streamId) => [windowUpdate(streamId, 0)],
    'a window that overflows': (streamId) => [
      windowUpdate(streamId, 0x7fffffff),
      windowUpdate(streamId, 0x7fffffff),
    ],
    'a priority of the wrong length': (streamId) => [frame(TYPE.PRIORITY, 'x', { streamId })],
    'content after the end of the request': (streamId) => [data(streamId, 'x')],
    'fields after the end of the request': (streamId) => [headers(streamId)],
  };
  for (const [name, make] of Object.entries(faults)) {
    it(`CVE-2025-8671: bounds the work of a client that has its streams reset by ${name}`, async () => {
      let calls = 0;
      const counting: Application = async (environ, startResponse) => {
        calls += 1;
        return slow(environ, startResponse);
      };
      const limits = { streamResetBurst: 50, streamResetRate: 1, maxConcurrentStreams: 1_000 };
      const options = { ...limits, writeTimeout: 400 };
      const server = await start(counting, options);
      const client = server.frames().begin();
      for (let count = 0; count < 500 && !client.isClosed; count += 1) {
        client.send(headers(odd(count)), ...make(odd(count)));
        if (count % 50 === 49) await delay(5);
      }
      await client.closed();
      expect(calls).toBeLessThan(150);
      await expectOthersServed(server);
    });
  }
});

describe('frames without use', () => {
  it('CVE-2024-27316, CVE-2024-27983: ends a connection whose field section has no end', async () => {
    const server = await start(hello);
    const gain = memoryGain();
    const client = server.frames().begin(frame(TYPE.HEADERS, block(request()), { streamId: 1 }));
    const part = frame(TYPE.CONTINUATION, block([['x', 'y'.repeat(16_000)]]), { streamId: 1 });
    await flood(client, part, 10_000);
    expect(gain()).toBeLessThan(100);
    await expectOthersServed(server);
  });

  it('CVE-2019-9518: ends a connection of empty CONTINUATION', async () => {
    const server = await start(hello);
    const client = server.frames().begin(frame(TYPE.HEADERS, block(request()), { streamId: 1 }));
    await flood(client, frame(TYPE.CONTINUATION, '', { streamId: 1 }), 100_000);
    await expectOthersServed(server);
  });

  it('CVE-2019-9518: ends a connection of empty DATA', async () => {
    const server = await start(slow);
    const client = server.frames().begin(headers(1, request('/', [], 'POST'), false));
    const empty = Buffer.concat(Array.from({ length: 1_000 }, () => data(1, '')));
    await flood(client, empty, 1_000);
    await expectOthersServed(server);
  });

  it('CVE-2019-9512: bounds the answers to pings of a client that reads nothing', async () => {
    const server = await start(hello, { writeTimeout: 300 });
    const gain = memoryGain();
    const client = server.frames().begin();
    client.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(TYPE.PING, '12345678')));
    for (let count = 0; count < 2_000 && !client.isClosed; count += 1) {
      if (!client.socket.write(pings)) await delay(1);
      if (client.socket.writableLength > 4 * 2 ** 20) break;
    }
    await expectOthersServed(server);
    expect(gain()).toBeLessThan(150);
    await expect.poll(() => server.server.metrics().connections.busy, { timeout: 10_000 }).toBe(0);
  });

  it('CVE-2019-9515: bounds the answers to settings of a client that reads nothing', async () => {
    const server = await start(hello, { writeTimeout: 300 });
    const gain = memoryGain();
    const client = server.frames().begin();
    client.socket.pause();
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => settings([3, 100])));
    for (let count = 0; count < 2_000 && !client.isClosed; count += 1) {
      if (!client.socket.write(many)) await delay(1);
      if (client.socket.writableLength > 4 * 2 ** 20) break;
    }
    await expectOthersServed(server);
    expect(gain()).toBeLessThan(150);
  });
});

describe('fields that grow', () => {
  it('CVE-2016-6581: resets a stream whose fields refer to a large one again and again', async () => {
    let calls = 0;
    const server = await start((environ, startResponse) => {
      calls += 1;
      return hello(environ, startResponse);
    });
    const gain = memoryGain();
    // A literal with indexing (RFC 7541 §6.2.1) that fills the table, then octets that repeat it 2,000 times: 8 MB.
    const name = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x')]);
    const value = Buffer.concat([Buffer.from([0x7f, 0x81, 0x1e]), Buffer.alloc(4_000 - 32, 'y')]);
    const bomb = Buffer.concat([block(request()), name, value, Buffer.alloc(8_000, 0xbe)]);
    const client = server.frames().begin();
    for (let count = 0; count < 20 && !client.isClosed; count += 1) {
      client.send(frame(TYPE.HEADERS, bomb, { flags: END_HEADERS | 1, streamId: odd(count) }));
      await delay(2);
    }
    await expectOthersServed(server);
    expect(gain()).toBeLessThan(100);
    expect(calls).toBe(1);
  });

  it('answers 431 to fields a little too large, and resets a stream with far more', async () => {
    const server = await start(hello, { maxHeaderSize: 1_000 });
    const session = server.session();
    expect((await fetchHttp2(session, { 'x-large': 'y'.repeat(2_000) })).status).toBe(431);
    const far = await fetchHttp2(session, { 'x-large': 'y'.repeat(20_000) });
    expect([far.status, far.code]).toEqual([0, CODE.ENHANCE_YOUR_CALM]);
    expect((await fetchHttp2(session)).status).toBe(200);
  });
});

describe('clients that take nothing', () => {
  const large: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return (function* pieces() {
      for (let count = 0; count < 1_000; count += 1) yield Buffer.alloc(100_000);
    })();
  };

  it('CVE-2019-9511, CVE-2019-9517: resets streams whose window stays closed, and holds little for them', async () => {
    let closes = 0;
    const counting: Application = (environ, startResponse) =>
      Object.assign(large(environ, startResponse) as Iterable<Uint8Array>, { close: () => (closes += 1) });
    const server = await start(counting, { writeTimeout: 300, maxConcurrentStreams: 100 });
    const gain = memoryGain();
    // Octets for a stream: none.
    const client = server.frames().send(Buffer.from(PREFACE), settings([4, 0]));
    client.send(...Array.from({ length: 100 }, (_, count) => headers(odd(count))));
    expect(await client.end(1)).toBe(CODE.ENHANCE_YOUR_CALM);
    expect(await client.end(odd(99))).toBe(CODE.ENHANCE_YOUR_CALM);
    await expect.poll(() => closes).toBe(100);
    expect(gain()).toBeLessThan(100);
  });

  it('cuts a connection whose client reads nothing', async () => {
    const server = await start(large, { writeTimeout: 300 });
    const client = server.frames().begin(windowUpdate(0, 0x7f000000));
    client.socket.pause();
    client.send(headers(1), windowUpdate(1, 0x7f000000));
    await expect.poll(() => server.server.metrics().connections.busy).toBe(1);
    await expectOthersServed({ ...server, session: server.session }).catch(() => {});
    await expect.poll(() => server.server.metrics().connections.open, { timeout: 5_000 }).toBe(0);
    expect(server.server.metrics().timeouts.unresponsive).toBeGreaterThan(0);
  });

  it('serves a client that takes little, but goes on', async () => {
    const server = await start(
      (_environ, startResponse) => {
        startResponse('200 OK', []);
        return [Buffer.alloc(60_000, 'x')];
      },
      { writeTimeout: 1_500 },
    );
    const client = server.frames().send(Buffer.from(PREFACE), settings([4, 4_000]));
    client.send(headers(1));
    for (let count = 0; count < 15; count += 1) {
      await delay(150);
      client.send(windowUpdate(1, 4_000));
    }
    expect(await client.end(1)).toBe('whole');
    expect(client.content(1).length).toBe(60_000);
  });

  it('fails the read of content that dribbles, after requestTimeout', async () => {
    const server = await start(
      async (environ, startResponse) => {
        await environ['wsgi.input'].read();
        return hello(environ, startResponse);
      },
      { requestTimeout: 300 },
    );
    const client = server.frames().begin(headers(1, request('/', [], 'POST'), false));
    const dribble = setInterval(() => client.send(data(1, 'x')), 30);
    // 408 is no status of the table.
    expect(await client.status(1)).toBe(0);
    clearInterval(dribble);
    client.send(headers(3));
    expect(await client.status(3)).toBe(200);
  });

  it('closes a connection on which nothing is asked, whatever pings come', async () => {
    const server = await start(hello, { keepAliveTimeout: 200, keepAliveTimeoutBuffer: 0 });
    const client = server.frames().begin(headers(1));
    expect(await client.end(1)).toBe('whole');
    const pings = setInterval(() => client.send(frame(TYPE.PING, '12345678')), 20);
    await client.closed();
    clearInterval(pings);
    expect(await client.goaway()).toBe(CODE.NO_ERROR);
  });
});
