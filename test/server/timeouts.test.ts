/**
 * Time-outs as a client meets them, with the server's default clock: never early, late by at most 250 ms or a
 * quarter (the larger counts), not delayed by dripping octets, and not while the application works.
 *
 * Lateness is measured by a clock that stops while the event loop of this process, which runs the servers too, gets
 * no turn: load makes nothing late. Earliness is measured by the real clock.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { WireClient } from '../../src/conformance/wire-client.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import type { Application, Environ, StartResponse } from '../../src/wsgi.ts';
import { echo, hello, type RunningServer, startServer } from './support.ts';

/** The most milliseconds that this clock advances without a turn of the event loop. */
const STEP = 20;

/** Counts time in turns of the event loop. */
const turns = { time: 0, last: performance.now() };
const ticking = setInterval(() => {
  const now = performance.now();
  turns.time += Math.min(now - turns.last, STEP);
  turns.last = now;
}, STEP / 2);

/** A moment on both clocks. */
interface Moment {
  readonly real: number;
  readonly turns: number;
}

function now(): Moment {
  const real = performance.now();
  return { real, turns: turns.time + Math.min(real - turns.last, STEP) };
}

function between(from: Moment, to: Moment): Moment {
  return { real: to.real - from.real, turns: to.turns - from.turns };
}

const servers: RunningServer[] = [];
afterAll(async () => {
  clearInterval(ticking);
  await Promise.all(servers.map((each) => each.stop()));
});

async function start(application: Application, options: ServerOptions): Promise<RunningServer> {
  const running = await startServer(application, options);
  servers.push(running);
  return running;
}

/** Opens a connection without sending anything. */
async function connected(running: RunningServer): Promise<WireClient> {
  const client = running.connect();
  await new Promise((resolve) => client.socket.once('connect', resolve));
  return client;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n';

/** Octets of a client, and the time-out that ends its connection. */
interface Scenario {
  readonly name: string;
  readonly option:
    | 'headersTimeout'
    | 'requestTimeout'
    | 'keepAliveTimeout'
    | 'drainTimeout'
    | 'lingerTimeout';
  readonly application: Application;
  readonly first: string;
  /** Octets to repeat while the connection lives. */
  readonly drip: string | undefined;
  readonly statuses: readonly number[];
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'an incomplete head',
    option: 'headersTimeout',
    application: hello,
    first: 'GET / HTTP/1.1\r\n',
    drip: undefined,
    statuses: [408],
  },
  {
    name: 'a dripping head',
    option: 'headersTimeout',
    application: hello,
    first: 'GET / HTTP/1.1\r\n',
    drip: 'X: 1\r\n',
    statuses: [408],
  },
  {
    name: 'a silent connection',
    option: 'headersTimeout',
    application: hello,
    first: '',
    drip: undefined,
    statuses: [],
  },
  {
    name: 'a head, if only the whole request is timed',
    option: 'requestTimeout',
    application: hello,
    first: 'GET / HTTP/1.1\r\n',
    drip: 'X: 1\r\n',
    statuses: [408],
  },
  {
    name: 'incomplete content',
    option: 'requestTimeout',
    application: echo,
    first: `${POST}abc`,
    drip: undefined,
    statuses: [408],
  },
  {
    name: 'dripping content',
    option: 'requestTimeout',
    application: echo,
    first: POST,
    drip: 'x',
    statuses: [408],
  },
  {
    name: 'dripping chunks',
    option: 'requestTimeout',
    application: echo,
    first: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    drip: '1\r\nx\r\n',
    statuses: [408],
  },
  {
    name: 'content before an awaited trailer section that does not arrive',
    option: 'requestTimeout',
    application: awaitTrailers,
    first: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
    drip: undefined,
    statuses: [408],
  },
  {
    name: 'content before an awaited trailer section that drips',
    option: 'requestTimeout',
    application: awaitTrailers,
    first: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    drip: '1\r\nx\r\n',
    statuses: [408],
  },
  {
    name: 'an awaited trailer section that stops after the content was read',
    option: 'requestTimeout',
    application: async (environ, startResponse) => {
      for await (const _piece of environ['wsgi.input'].chunks()) break;
      return awaitTrailers(environ, startResponse);
    },
    first: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-',
    drip: undefined,
    statuses: [408],
  },
  {
    name: 'an idle connection',
    option: 'keepAliveTimeout',
    application: hello,
    first: GET + GET,
    drip: undefined,
    statuses: [200, 200],
  },
  {
    name: 'content that is not read and does not arrive',
    option: 'drainTimeout',
    application: hello,
    first: POST,
    drip: undefined,
    statuses: [200],
  },
  {
    name: 'content that is not read and drips',
    option: 'lingerTimeout',
    application: hello,
    first: POST,
    drip: 'x',
    statuses: [200],
  },
];

/** Answers once the trailer section is known. */
async function awaitTrailers(environ: Environ, startResponse: StartResponse): Promise<string[]> {
  await environ['gateway.trailers']?.();
  return hello(environ, startResponse);
}

/** Measures the time until the server closes; checks the responses before that. */
async function measure(running: RunningServer, { first, drip, statuses }: Scenario): Promise<Moment> {
  const started = now();
  const client = await connected(running);
  client.send(first);
  const dripping = drip === undefined ? undefined : setInterval(() => client.send(drip), 25);
  try {
    for (const status of statuses) expect((await client.readResponse()).statusCode).toBe(status);
    expect(await client.farewell()).toBe('end');
    return between(started, now());
  } finally {
    clearInterval(dripping);
    client.destroy();
  }
}

function expectInTime(timeout: number, passed: Moment): void {
  expect(passed.real).toBeGreaterThanOrEqual(timeout);
  expect(passed.turns).toBeLessThanOrEqual(timeout + Math.max(250, timeout / 4));
}

describe.each([500, 1000])('after %d ms', (timeout) => {
  it.concurrent.each(SCENARIOS)('$option ends $name', async (scenario) => {
    const running = await start(scenario.application, {
      keepAliveTimeoutBuffer: 0,
      [scenario.option]: timeout,
    });
    expectInTime(timeout, await measure(running, scenario));
  });

  it.concurrent('headersTimeout counts for each head separately', async () => {
    const running = await start(hello, { headersTimeout: timeout });
    const client = await connected(running);
    client.send(GET);
    await client.readResponse();
    await delay(timeout / 2);
    const started = now();
    client.send('GET / HTTP/1.1\r\n');
    expect((await client.readResponse()).statusCode).toBe(408);
    expectInTime(timeout, between(started, now()));
  });

  it.concurrent('headersTimeout counts from the first octet, not from the connection', async () => {
    const running = await start(hello, { headersTimeout: timeout });
    const client = await connected(running);
    await delay(timeout / 2);
    const started = now();
    client.send('GET / HTTP/1.1\r\n');
    expect((await client.readResponse()).statusCode).toBe(408);
    expectInTime(timeout, between(started, now()));
  });

  it.concurrent('writeTimeout ends a client that reads nothing', async () => {
    let pulled = now();
    let ended: Moment | undefined;
    const running = await start(
      (_environ, startResponse) => {
        startResponse('200 OK', []);
        const body = (function* () {
          for (;;) {
            pulled = now();
            yield Buffer.alloc(65_536);
          }
        })();
        return Object.assign(body, {
          close() {
            ended = now();
          },
        });
      },
      { writeTimeout: timeout },
    );
    const client = await connected(running);
    client.send(GET);
    const end = await vi.waitUntil(() => ended, { timeout: 10 * timeout, interval: 10 });
    client.destroy();
    expectInTime(timeout, between(pulled, end));
  });
});

describe('no time-out', () => {
  const short: ServerOptions = {
    headersTimeout: 500,
    requestTimeout: 500,
    keepAliveTimeout: 500,
    drainTimeout: 500,
    writeTimeout: 500,
  };

  it.concurrent('ends a request while the application works before its head', async () => {
    const running = await start(async (environ, startResponse) => {
      await delay(900);
      return hello(environ, startResponse);
    }, short);
    const client = await connected(running);
    client.send(GET + POST);
    expect((await client.readResponse()).statusCode).toBe(200);
  });

  it.concurrent('ends a request while the application works after its head', async () => {
    const running = await start(async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield 'a';
      await delay(900);
      yield 'b';
    }, short);
    const client = await connected(running);
    client.send(GET);
    expect((await client.readResponse()).content.toString()).toBe('ab');
  });

  it.concurrent('ends a request whose content waits for the application, not for the client', async () => {
    const running = await start(
      async (environ, startResponse) => {
        const input = environ['wsgi.input'];
        await input.read(1);
        await delay(2400);
        const rest = await input.read();
        startResponse('200 OK', []);
        return [String(rest.length)];
      },
      { ...short, requestTimeout: 2000 },
    );
    const client = await connected(running);
    // More than waits in the buffers of both ends, so that there is something to wait for.
    const size = 3_000_000;
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
    expect((await client.readResponse()).content.toString()).toBe(String(size - 1));
  });

  it.concurrent('counts the time of the application as that of the client', async () => {
    let isReading = false;
    const running = await start(async (environ, startResponse) => {
      await delay(700);
      isReading = true;
      return echo(environ, startResponse);
    }, short);
    const client = await connected(running);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n');
    while (!isReading) await delay(10);
    client.send('abc');
    expect((await client.readResponse()).content.toString()).toBe('abc');
  });

  it.concurrent('ends an idle connection during keepAliveTimeoutBuffer', async () => {
    const running = await start(hello, { keepAliveTimeout: 300, keepAliveTimeoutBuffer: 60_000 });
    const client = await connected(running);
    for (let count = 0; count < 2; count += 1) {
      client.send(GET);
      expect((await client.readResponse()).statusCode).toBe(200);
      await delay(800);
    }
  });

  it.concurrent('ends an idle connection before keepAliveTimeoutBuffer is over, but then one does', async () => {
    const running = await start(hello, { keepAliveTimeout: 200, keepAliveTimeoutBuffer: 400 });
    const client = await connected(running);
    client.send(GET);
    await client.readResponse();
    const idle = performance.now();
    await client.farewell();
    expect(performance.now() - idle).toBeGreaterThanOrEqual(590);
  });

  it.concurrent('ends a client that reads slowly', async () => {
    let hasClosed = false;
    const running = await start(
      (_environ, startResponse) => {
        startResponse('200 OK', []);
        const body = (function* () {
          for (;;) yield Buffer.alloc(65_536);
        })();
        return Object.assign(body, {
          close() {
            hasClosed = true;
          },
        });
      },
      { writeTimeout: 1500 },
    );
    const client = await connected(running);
    client.send(GET);
    await client.readHead();
    // Linux reports free space only when a third of some megabytes is free: slower reading would look like none.
    for (let count = 0; count < 25; count += 1) {
      await client.readOctets(2_000_000);
      await delay(100);
    }
    expect(hasClosed).toBe(false);
    client.destroy();
  });

  it.concurrent('ends anything if all are 0', async () => {
    const none = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0, drainTimeout: 0 };
    const running = await start(echo, none);
    const clients = await Promise.all([0, 1, 2].map(() => connected(running)));
    const [head, content, idle] = clients;
    head?.send('GET / HTTP/1.1\r\n');
    content?.send(POST);
    idle?.send(GET);
    await idle?.readResponse();
    for (const client of clients) expect(await client.isSilent(400)).toBe(true);
  });
});
