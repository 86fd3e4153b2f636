import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DisconnectError } from '../../src/errors.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import type { Application, Environ, HeaderList, StartResponse } from '../../src/wsgi.ts';
import { echo, hello, type RunningServer, startServer } from './support.ts';

let running: RunningServer;

async function start(application: Application, options?: ServerOptions) {
  running = await startServer(application, options);
  return running.connect();
}

afterEach(() => running.stop());

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** Answers with the path, after so many milliseconds as it says. */
async function echoPath(environ: Environ, startResponse: StartResponse): Promise<string[]> {
  const milliseconds = Number(environ.PATH_INFO.slice(1));
  if (milliseconds > 0) await delay(milliseconds);
  startResponse('200 OK', []);
  return [environ.PATH_INFO];
}

describe('persistence', () => {
  it('serves one request after another and says how long it waits', async () => {
    const client = await start(hello);
    for (let count = 0; count < 3; count += 1) {
      client.send(get('/'));
      const { headers, content } = await client.readResponse();
      expect(content.toString()).toBe('Hello');
      expect(headers.map(([name]) => name)).toEqual([
        'Content-Type',
        'Date',
        'Connection',
        'Keep-Alive',
        'Content-Length',
      ]);
      expect(headers).toContainEqual(['Keep-Alive', 'timeout=5']);
    }
  });

  it('answers pipelined requests in order, fast after slow', async () => {
    const client = await start(echoPath);
    client.send(get('/30') + get('/0') + get('/10') + get('/0'));
    for (const path of ['/30', '/0', '/10', '/0']) {
      expect((await client.readResponse()).content.toString()).toBe(path);
    }
  });

  it('answers a batch of pipelined requests in one write', async () => {
    running = await startServer(hello);
    const { port } = running.server.address() as AddressInfo;
    const pieces: Buffer[] = [];
    const socket = connect(port, '127.0.0.1').on('data', (piece) => pieces.push(piece));
    socket.write(get('/').repeat(16));
    await vi.waitFor(() => expect(Buffer.concat(pieces).toString().match(/Hello/g)).toHaveLength(16));
    expect(pieces).toHaveLength(1);
    socket.destroy();
  });

  it('holds back a client that sends requests without end', async () => {
    let served = 0;
    const client = await start(async (environ, startResponse) => {
      served += 1;
      await delay(20);
      return echoPath({ ...environ, PATH_INFO: '/0' }, startResponse);
    });
    const flood = get('/').repeat(200_000);
    client.send(flood);
    await delay(100);
    expect(served).toBeLessThan(20);
    expect(client.socket.writableLength).toBeGreaterThan(0);
  });

  it.each([
    ['HTTP/1.1', 'Connection: close\r\n', 'close'],
    ['HTTP/1.0', '', 'close'],
    ['HTTP/1.0', 'Connection: keep-alive\r\n', 'keep-alive'],
    ['HTTP/1.1', 'Connection: x, CLOSE\r\n', 'close'],
  ])('obeys %s %j', async (version, field, connection) => {
    const client = await start(hello);
    client.send(`GET / ${version}\r\nHost: a\r\n${field}\r\n`);
    const { headers } = await client.readResponse();
    expect(headers).toContainEqual(['Connection', connection]);
    if (connection === 'close') expect(await client.farewell()).toBe('end');
    else expect(await client.isSilent(50)).toBe(true);
  });

  it('counts requests', async () => {
    const client = await start(hello, { maxRequestsPerSocket: 2 });
    client.send(get('/').repeat(3));
    expect((await client.readResponse()).headers).toContainEqual(['Keep-Alive', 'timeout=5, max=2']);
    expect((await client.readResponse()).headers).toContainEqual(['Connection', 'close']);
    expect((await client.readRest()).length).toBe(0);
  });
});

describe('framing', () => {
  function* pieces(_environ: Environ, startResponse: StartResponse): Generator<string> {
    startResponse('200 OK', []);
    yield 'one';
    yield '';
    yield 'two';
  }

  it('codes in chunks, one for each', async () => {
    const client = await start(pieces);
    client.send(get('/'));
    const response = await client.readResponse();
    expect(response.headers).toContainEqual(['Transfer-Encoding', 'chunked']);
    expect(response.chunks?.map(String)).toEqual(['one', 'two']);
    expect(await client.isSilent(30)).toBe(true);
  });

  it('closes towards HTTP/1.0', async () => {
    const client = await start(pieces);
    client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    const response = await client.readResponse();
    expect(response.headers.map(([name]) => name)).toEqual(['Date', 'Connection']);
    expect(response.content.toString()).toBe('onetwo');
  });

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('sends no content: %s %i', async (method, status) => {
    const client = await start((_environ, startResponse) => {
      startResponse(`${status} X`, []);
      return ['content'];
    });
    client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(2));
    for (let count = 0; count < 2; count += 1) {
      const { headers } = await client.readResponse(method);
      expect(headers.map(([name]) => name)).not.toContain('Transfer-Encoding');
    }
    expect(await client.isSilent(30)).toBe(true);
  });

  it('reads chunked content, and trailers after it', async () => {
    const client = await start(async (environ, startResponse) => {
      const trailers = environ['gateway.trailers'] as () => Promise<HeaderList>;
      const content = Buffer.from(await environ['wsgi.input'].read()).toString();
      startResponse('200 OK', []);
      return [JSON.stringify([content, await trailers(), 'CONTENT_LENGTH' in environ, 'HTTP_X' in environ])];
    });
    client.send(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: 1\r\n\r\n',
    );
    expect((await client.readResponse()).content.toString()).toBe('["abcde",[["X","1"]],false,false]');
  });

  it('sends trailers after chunks, and refuses those that frame', async () => {
    const client = await start(function* (environ, startResponse) {
      const sendTrailers = environ['gateway.send_trailers'] as (headers: HeaderList) => void;
      startResponse('200 OK', []);
      yield 'x';
      expect(() => sendTrailers([['Content-Length', '1']])).toThrow();
      expect(() => sendTrailers([['Host', 'a']])).toThrow();
      sendTrailers([['X-Checksum', '1']]);
    });
    client.send(get('/'));
    expect((await client.readResponse()).trailers).toEqual([['X-Checksum', '1']]);
  });

  it('sends octets above 0x7F as they are', async () => {
    const client = await start((_environ, startResponse) => {
      startResponse('200 \xe9t\xe9', [['X', '\xe9']]);
      return [];
    });
    client.send(get('/'));
    const { reason, headers } = await client.readResponse();
    expect([reason, headers[0]]).toEqual(['\xe9t\xe9', ['X', '\xe9']]);
  });
});

describe('content that nobody reads', () => {
  it('is thrown away up to maxDrainSize, and the connection kept', async () => {
    const client = await start(hello);
    const content = 'x'.repeat(3_000_000);
    client.send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${content.length}\r\n\r\n${content}${get('/')}`,
    );
    expect((await client.readResponse()).statusCode).toBe(200);
    expect((await client.readResponse()).statusCode).toBe(200);
  });

  it('beyond that closes the connection, and the client can read the response', async () => {
    const client = await start(hello, { maxDrainSize: 1000 });
    client.send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}${get('/')}`,
    );
    expect((await client.readResponse()).headers).toContainEqual(['Connection', 'close']);
    expect((await client.readRest()).length).toBe(0);
  });

  it('in chunks closes when they turn out too long', async () => {
    const client = await start(hello, { maxDrainSize: 1000 });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    expect((await client.readResponse()).statusCode).toBe(200);
    client.send(`800\r\n${'x'.repeat(0x800)}\r\n`);
    expect(await client.farewell()).toBe('end');
  });
});

describe('Expect: 100-continue', () => {
  const head = (length: number): string =>
    `POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;

  it('is answered at the first read, once', async () => {
    const client = await start(async (environ, startResponse) => {
      await delay(30);
      return echo(environ, startResponse);
    });
    client.send(head(3));
    expect(await client.isSilent(10)).toBe(true);
    expect((await client.readHead()).statusCode).toBe(100);
    client.send('a');
    await delay(5);
    client.send('bc');
    expect((await client.readResponse()).content.toString()).toBe('abc');
    expect(await client.isSilent(30)).toBe(true);
  });

  it('is not answered when the content is there already, or is empty', async () => {
    const client = await start(echo);
    client.send(`${head(3)}abc${head(0)}`);
    for (const content of ['abc', '']) {
      const response = await client.readResponse();
      expect([response.interim, response.content.toString()]).toEqual([[], content]);
    }
  });

  it('closes when the application answers without reading', async () => {
    const client = await start(hello);
    client.send(head(3));
    const response = await client.readResponse();
    expect(response.interim).toEqual([]);
    expect(response.headers).toContainEqual(['Connection', 'close']);
    expect(await client.farewell()).toBe('end');
  });

  it('with anything else is refused', async () => {
    const client = await start(hello);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 3\r\n\r\n');
    expect((await client.readResponse()).statusCode).toBe(417);
    expect(await client.farewell()).toBe('end');
  });
});

describe('refusals', () => {
  it('answers once, closes, and sends earlier responses first and whole', async () => {
    const client = await start(echoPath);
    client.send(`${get('/20')}${get('/0')}BAD\n\r\n\r\n${get('/')}`);
    expect((await client.readResponse()).content.toString()).toBe('/20');
    expect((await client.readResponse()).content.toString()).toBe('/0');
    const refusal = await client.readResponse();
    expect(refusal.statusCode).toBe(400);
    expect(refusal.content.toString()).toBe('Bad Request\n');
    expect(refusal.headers).toContainEqual(['Connection', 'close']);
    expect((await client.readRest()).length).toBe(0);
  });

  it('refuses what is too large: content, and a chunked content while it is read', async () => {
    const client = await start(echo, { maxBodySize: 5 });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabcdef');
    expect((await client.readResponse()).statusCode).toBe(413);
    const chunked = running.connect();
    chunked.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n');
    expect((await chunked.readResponse()).statusCode).toBe(413);
    expect(await chunked.farewell()).toBe('end');
    const exact = running.connect();
    exact.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde');
    expect((await exact.readResponse()).content.toString()).toBe('abcde');
  });

  it('answers content that is broken with 400, and the application sees why', async () => {
    let failure: unknown;
    const client = await start(async (environ, startResponse) => {
      try {
        return await echo(environ, startResponse);
      } catch (error) {
        failure = error;
        throw error;
      }
    });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n');
    expect((await client.readResponse()).statusCode).toBe(400);
    expect(failure).toHaveProperty('name', 'ProtocolError');
    expect(running.log).toEqual([]);
  });

  it('answers a repeated Content-Type with 400', async () => {
    const client = await start(hello);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n');
    expect((await client.readResponse()).statusCode).toBe(400);
  });
});

describe('failures of the application', () => {
  it('before the head are a 500, and the connection is kept', async () => {
    const client = await start(() => {
      throw new Error('secret');
    });
    client.send(get('/') + get('/'));
    for (let count = 0; count < 2; count += 1) {
      const response = await client.readResponse();
      expect(response.statusCode).toBe(500);
      expect(response.content.toString()).toBe('Internal Server Error\n');
    }
    expect(running.log[0]).toContain('secret');
  });

  it('after the head leave the chunks without an end', async () => {
    const client = await start(function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield 'x';
      throw new Error('later');
    });
    client.send(get('/'));
    const rest = (await client.readRest()).toString('latin1');
    expect(rest.endsWith('1\r\nx\r\n')).toBe(true);
  });

  it('after the head reset a connection whose end would pass for the end of the response', async () => {
    const client = await start(async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield 'x';
      await delay(10);
      throw new Error('later');
    });
    client.send('GET / HTTP/1.0\r\n\r\n');
    await client.readHead();
    expect(await client.farewell()).toBe('reset');
  });

  it('that send too little close the connection', async () => {
    const client = await start((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '9']]);
      return ['short'];
    });
    client.send(get('/'));
    await client.readHead();
    expect((await client.readRest()).toString()).toBe('short');
  });
});

describe('clients that leave', () => {
  /** Streams for ever and notes how it ends. */
  function endless(events: string[]): Application {
    return (environ, startResponse) => {
      const signal = (environ['gateway.signal'] as () => AbortSignal)();
      signal.addEventListener('abort', () => events.push('abort'));
      startResponse('200 OK', []);
      const body = (async function* () {
        try {
          for (;;) {
            yield 'x'.repeat(1000);
            await delay(1);
          }
        } finally {
          events.push('return');
        }
      })();
      return Object.assign(body, { close: () => events.push('close') });
    };
  }

  it.each(['reset', 'destroy'] as const)('by %s end the iteration', async (way) => {
    const events: string[] = [];
    const client = await start(endless(events));
    client.send(get('/'));
    await client.readHead();
    client[way]();
    await vi.waitFor(() => expect(events).toEqual(['abort', 'return', 'close']));
    expect(running.log).toEqual([]);
  });

  it('are noticed while the application is silent after its head', async () => {
    const events: string[] = [];
    const client = await start(
      (environ, startResponse) => {
        const signal = (environ['gateway.signal'] as () => AbortSignal)();
        signal.addEventListener('abort', () => events.push('abort'));
        startResponse('200 OK', []);
        const body = (async function* () {
          yield 'x';
          await new Promise(() => {});
        })();
        return Object.assign(body, { close: () => events.push('close') });
      },
      { closeTimeout: 10 },
    );
    client.send(get('/'));
    await client.readHead();
    client.destroy();
    await vi.waitFor(() => expect(events).toEqual(['abort', 'close']), 5000);
  });

  it('are noticed while the application is silent before its head', async () => {
    let isAborted = false;
    const client = await start(async (environ, startResponse) => {
      const signal = (environ['gateway.signal'] as () => AbortSignal)();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      isAborted = true;
      startResponse('200 OK', []);
      return [];
    });
    client.send(get('/'));
    await delay(20);
    client.destroy();
    await vi.waitFor(() => expect(isAborted).toBe(true), 5000);
  });

  it('amid their content make reads reject, and get nothing', async () => {
    let failure: unknown;
    const client = await start(async (environ, startResponse) => {
      failure = await echo(environ, startResponse).catch((error) => error);
      throw failure;
    });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    client.halfClose();
    expect((await client.readRest()).length).toBe(0);
    expect(failure).toBeInstanceOf(DisconnectError);
    expect(running.log).toEqual([]);
  });

  it('amid a head get no 2xx', async () => {
    const client = await start(hello);
    client.send('GET / HTTP/1.1\r\nHost');
    client.halfClose();
    expect((await client.readResponse()).statusCode).toBe(400);
  });

  it('with one half only are answered, early or late', async () => {
    const client = await start(echoPath);
    client.send(get('/1300'));
    client.halfClose();
    const response = await client.readResponse();
    expect(response.content.toString()).toBe('/1300');
    expect(response.interim.map(({ statusCode }) => statusCode)).toEqual([102]);
  });
});

describe('time-outs', () => {
  const fast = { connectionsCheckingInterval: 10 };

  it('end a head that takes too long with 408, counted from its first octet', async () => {
    const client = await start(hello, { ...fast, headersTimeout: 150 });
    const started = performance.now();
    client.send('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => client.send('X: 1\r\n'), 20);
    const response = await client.readResponse();
    clearInterval(drip);
    expect(response.statusCode).toBe(408);
    expect(performance.now() - started).toBeGreaterThanOrEqual(149);
  });

  it('end content that takes too long with 408, but not an application that does', async () => {
    const client = await start(echo, { ...fast, requestTimeout: 100 });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n');
    const drip = setInterval(() => client.send('x'), 40);
    expect((await client.readResponse()).statusCode).toBe(408);
    clearInterval(drip);
    await running.stop();
    const patient = await start(echoPath, { ...fast, requestTimeout: 50 });
    patient.send(get('/200'));
    expect((await patient.readResponse()).statusCode).toBe(200);
  });

  it('end an idle connection silently', async () => {
    const client = await start(hello, { ...fast, keepAliveTimeout: 100 });
    client.send(get('/'));
    await client.readResponse();
    expect((await client.readRest()).length).toBe(0);
  });

  it('end a connection whose client takes nothing', async () => {
    const events: string[] = [];
    const client = await start(
      (_environ, startResponse) => {
        startResponse('200 OK', []);
        const body = (function* () {
          for (;;) yield Buffer.alloc(65_536);
        })();
        return Object.assign(body, { close: () => events.push('close') });
      },
      { ...fast, writeTimeout: 200 },
    );
    client.socket.pause();
    client.send(get('/'));
    await vi.waitFor(() => expect(events).toEqual(['close']), 5000);
  });
});
