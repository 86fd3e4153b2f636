import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DisconnectError } from '../../src/errors.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import type { Application } from '../../src/wsgi.ts';
import { echo, echoPath, get, hello, type RunningServer, startServer } from './support.ts';

let running: RunningServer;

async function start(application: Application, options?: ServerOptions) {
  running = await startServer(application, options);
  return running.connect();
}

afterEach(() => running.stop());

describe('refusals', () => {
  it('answer once, close, and let earlier responses finish', async () => {
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

  it.each([
    [417, 'Host: a\r\nExpect: other\r\n\r\n'],
    [400, '\r\n'],
    [431, `Host: a\r\n${'X: y\r\n'.repeat(100)}\r\n`],
    [431, `Host: a\r\nX: ${'y'.repeat(20_000)}`],
  ])('send no content to HEAD, even with %i', async (status, fields) => {
    const client = await start(hello);
    client.send(`${get('/')}HEAD / HTTP/1.1\r\n${fields}`);
    await client.readResponse();
    expect((await client.readResponse('HEAD')).statusCode).toBe(status);
    expect((await client.readRest()).toString()).toBe('');
  });

  it('send content if the method is uncertain', async () => {
    const client = await start(hello);
    client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD\t/ HTTP/1.1\r\n\r\n');
    await client.readResponse('HEAD');
    expect((await client.readResponse()).content.toString()).toBe('Bad Request\n');
  });

  it('answer content that is too large, also chunks while they are read', async () => {
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

  it('answer malformed content with 400 and give the application the reason', async () => {
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

  it('answer a repeated Content-Type with 400', async () => {
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

  it('after the head leave out the last chunk', async () => {
    const client = await start(function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield 'x';
      throw new Error('later');
    });
    client.send(get('/'));
    const rest = (await client.readRest()).toString('latin1');
    expect(rest.endsWith('1\r\nx\r\n')).toBe(true);
  });

  it('after the head reset a connection whose end would end the content', async () => {
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

  it('close the connection if the content is too short', async () => {
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
  /** Streams endlessly and notes its end. */
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

  it('make reads reject during their content, and get no answer', async () => {
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

  it('get no 2xx during a head', async () => {
    const client = await start(hello);
    client.send('GET / HTTP/1.1\r\nHost');
    client.halfClose();
    expect((await client.readResponse()).statusCode).toBe(400);
  });

  it('get an answer if they close one half only, early or late', async () => {
    const client = await start(echoPath);
    client.send(get('/1300'));
    client.halfClose();
    const response = await client.readResponse();
    expect(response.content.toString()).toBe('/1300');
    expect(response.interim.map(({ statusCode }) => statusCode)).toEqual([102]);
  });
});

describe('clients that close their half and wait', () => {
  const slow: Application = async function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield 'abc';
    await delay(1300);
    yield 'def';
  };

  it('get all chunks of an application with pauses', async () => {
    const client = await start(slow);
    client.send(get('/'));
    client.halfClose();
    const rest = (await client.readRest()).toString('latin1');
    expect(rest.endsWith('3\r\nabc\r\n03\r\ndef\r\n0\r\n\r\n')).toBe(true);
  });

  it('get all content that the end of the connection ends', async () => {
    const client = await start(slow);
    client.send('GET / HTTP/1.0\r\n\r\n');
    client.halfClose();
    expect((await client.readRest()).toString('latin1')).toMatch(/\r\n\r\nabcdef$/);
  });
});

describe('time-outs', () => {
  const fast = { connectionsCheckingInterval: 10 };

  it('end a slow head with 408, counted from its first octet', async () => {
    const client = await start(hello, { ...fast, headersTimeout: 150 });
    const started = performance.now();
    client.send('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => client.send('X: 1\r\n'), 20);
    const response = await client.readResponse();
    clearInterval(drip);
    expect(response.statusCode).toBe(408);
    expect(performance.now() - started).toBeGreaterThanOrEqual(149);
  });

  it('end slow content with 408, but no slow application', async () => {
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

  it('end a connection whose client reads nothing', async () => {
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
