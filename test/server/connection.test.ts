import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ServerOptions } from '../../src/server/options.ts';
import type { Application, Environ, HeaderList, StartResponse } from '../../src/wsgi.ts';
import { echo, echoPath, get, hello, type RunningServer, startServer } from './support.ts';

let running: RunningServer;

async function start(application: Application, options?: ServerOptions) {
  running = await startServer(application, options);
  return running.connect();
}

afterEach(() => running.stop());

describe('persistence', () => {
  it('serves several requests and sends its time-out', async () => {
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

  it('holds back a client that sends requests endlessly', async () => {
    let served = 0;
    const client = await start(async (environ, startResponse) => {
      served += 1;
      await delay(20);
      return echoPath({ ...environ, PATH_INFO: '/0' }, startResponse);
    });
    // More than the kernel's buffers take.
    const flood = get('/').repeat(1_000_000);
    const begin = performance.now();
    client.send(flood);
    await delay(100);
    // One in 20 ms, however late this test gets its turn.
    expect(served).toBeLessThan((performance.now() - begin) / 20 + 15);
    expect(client.socket.writableLength).toBeGreaterThan(0);
  });

  it('takes no more requests with each answer than it has room for', async () => {
    let served = 0;
    let taken = 0;
    const request = get('/');
    const client = await start(async (environ, startResponse) => {
      served += 1;
      taken = (environ['gateway.socket'] as Socket).bytesRead;
      await delay(1);
      return hello(environ, startResponse);
    });
    client.send(request.repeat(200_000));
    await vi.waitFor(() => expect(served).toBeGreaterThan(100), 10_000);
    // Octets that wait for the parser or that node read ahead: a few packets of 64 KiB.
    expect(taken - served * request.length).toBeLessThan(500_000);
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

  it('gives equal requests separate objects', async () => {
    const client = await start((environ, startResponse) => {
      const rawHeaders = environ['gateway.raw_headers'] as string[];
      const answer = JSON.stringify([Object.keys(environ).length, rawHeaders]);
      rawHeaders.push('X-Added', 'by the application');
      Object.assign(environ, { HTTP_HOST: 'changed', added: true });
      startResponse('200 OK', []);
      return [answer];
    });
    const answers = new Set<string>();
    for (let count = 0; count < 5; count += 1) {
      client.send(get('/'));
      answers.add(String((await client.readResponse()).content));
    }
    expect([...answers]).toEqual([expect.stringMatching(/^\[\d+,\["Host","a"\]\]$/)]);
  });

  it('limits the number of requests', async () => {
    const client = await start(hello, { maxRequestsPerSocket: 2 });
    client.send(get('/').repeat(3));
    expect((await client.readResponse()).headers).toContainEqual(['Keep-Alive', 'timeout=5, max=2']);
    expect((await client.readResponse()).headers).toContainEqual(['Connection', 'close']);
    expect((await client.readRest()).length).toBe(0);
  });

  it('closes if a client does not after Connection: close', async () => {
    const client = await start(hello, { maxRequestsPerSocket: 1 });
    client.send(get('/'));
    await client.readResponse();
    expect((await client.readRest()).length).toBe(0);
  });

  it('refuses a request after Connection: close and emits dropRequest', async () => {
    const dropped: unknown[] = [];
    const client = await start(hello, { maxRequestsPerSocket: 1 });
    running.server.on('dropRequest', (request, socket) => {
      dropped.push(request.url, request.method, request.upgrade, request.socket === socket);
    });
    client.send(get('/'));
    await client.readResponse();
    client.send(get('/more'));
    const { statusCode, headers } = await client.readResponse();
    expect([statusCode, dropped]).toEqual([503, ['/more', 'GET', false, true]]);
    expect(headers).toContainEqual(['Connection', 'close']);
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

  it('sends a chunk for each yielded one', async () => {
    const client = await start(pieces);
    client.send(get('/'));
    const response = await client.readResponse();
    expect(response.headers).toContainEqual(['Transfer-Encoding', 'chunked']);
    expect(response.chunks?.map(String)).toEqual(['one', 'two']);
    expect(await client.isSilent(30)).toBe(true);
  });

  it('closes the connection for HTTP/1.0', async () => {
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

  it('reads chunked content and then its trailers', async () => {
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

  it.each(['cut', 'xyz\r\n'])('rejects promises of trailers after content that is %j', async (content) => {
    const outcomes: unknown[] = [];
    const client = await start(async (environ) => {
      const trailers = environ['gateway.trailers'] as () => Promise<HeaderList>;
      // An unused promise must not become an unhandled rejection.
      void trailers();
      const early = trailers();
      const failure = await environ['wsgi.input'].read().catch((error) => error);
      outcomes.push(failure, await early.catch((error) => error), await trailers().catch((error) => error));
      throw failure;
    });
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n${content}`);
    client.halfClose();
    await client.readRest();
    expect(outcomes[0]).toBeInstanceOf(Error);
    expect(outcomes.slice(1)).toEqual([outcomes[0], outcomes[0]]);
  });

  it('sends trailers after chunks, and refuses fields that frame', async () => {
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

  it('sends octets above 0x7F unchanged', async () => {
    const client = await start((_environ, startResponse) => {
      startResponse('200 \xe9t\xe9', [['X', '\xe9']]);
      return [];
    });
    client.send(get('/'));
    const { reason, headers } = await client.readResponse();
    expect([reason, headers[0]]).toEqual(['\xe9t\xe9', ['X', '\xe9']]);
  });
});

describe('content that is not read', () => {
  it('is thrown away up to maxDrainSize, and the connection is kept', async () => {
    const client = await start(hello);
    const content = 'x'.repeat(3_000_000);
    client.send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${content.length}\r\n\r\n${content}${get('/')}`,
    );
    expect((await client.readResponse()).statusCode).toBe(200);
    expect((await client.readResponse()).statusCode).toBe(200);
  });

  it('closes the connection if it is longer, and the client can read the response', async () => {
    const client = await start(hello, { maxDrainSize: 1000 });
    client.send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}${get('/')}`,
    );
    expect((await client.readResponse()).headers).toContainEqual(['Connection', 'close']);
    expect((await client.readRest()).length).toBe(0);
  });

  it('closes the connection if its chunks become too long', async () => {
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

  it('is not answered if the content has arrived or is empty', async () => {
    const client = await start(echo);
    client.send(`${head(3)}abc${head(0)}`);
    for (const content of ['abc', '']) {
      const response = await client.readResponse();
      expect([response.interim, response.content.toString()]).toEqual([[], content]);
    }
  });

  it('closes the connection if the application answers without reading', async () => {
    const client = await start(hello);
    client.send(head(3));
    const response = await client.readResponse();
    expect(response.interim).toEqual([]);
    expect(response.headers).toContainEqual(['Connection', 'close']);
    expect(await client.farewell()).toBe('end');
  });

  it('is refused with another value', async () => {
    const client = await start(hello);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 3\r\n\r\n');
    expect((await client.readResponse()).statusCode).toBe(417);
    expect(await client.farewell()).toBe('end');
  });
});
