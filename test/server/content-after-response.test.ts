import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { WireClient } from '../../src/conformance/wire-client.ts';
import { toApplication } from '../../src/index.ts';
import type { Application, Environ } from '../../src/wsgi.ts';
import { get, hello, type RunningServer, startServer } from './support.ts';

const folder = new URL('../support/tls/', import.meta.url);
const CERTIFICATE = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};

let running: RunningServer;
afterEach(() => running.stop());

describe('content that is read after the response', () => {
  it('belongs to the application while it reads, and the connection is kept', async () => {
    const read: string[] = [];
    const answerFirst: Application = (environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '2']]);
      void (async () => {
        for await (const piece of environ['wsgi.input'].chunks()) read.push(Buffer.from(piece).toString());
        read.push('end');
      })();
      return ['ok'];
    };
    running = await startServer(answerFirst);
    const client = running.connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nab');
    expect((await client.readResponse()).content.toString()).toBe('ok');
    client.send('cd');
    await delay(20);
    client.send(`ef${get('/')}`);
    expect((await client.readResponse()).content.toString()).toBe('ok');
    await vi.waitFor(() => expect(read.join('')).toBe('abcdefendend'));
  });

  const storage = new AsyncLocalStorage<string>();
  const readOn = async (environ: Environ): Promise<void> => {
    for await (const _piece of environ['wsgi.input'].chunks()) await delay(1);
  };
  const READERS: Record<string, Application> = {
    'an iteration': (environ, startResponse) => {
      startResponse('200 OK', []);
      void readOn(environ);
      return ['ok'];
    },
    'a read': (environ, startResponse) => {
      startResponse('200 OK', []);
      void environ['wsgi.input'].read();
      return ['ok'];
    },
    'single reads': async (environ, startResponse) => {
      startResponse('200 OK', []);
      void environ['wsgi.input'].read(10).then(() => environ['wsgi.input'].read(500_000));
      return ['ok'];
    },
    'a wrapped program': fromNode((request, response) => {
      response.end('ok');
      request.on('data', () => {
        request.pause();
        setTimeout(() => request.resume(), 1);
      });
    }),
  };

  it.each(
    Object.entries(READERS).flatMap(([form, reader]) => [
      [form, 'TCP', reader] as const,
      [form, 'TLS', reader] as const,
    ]),
  )('gives the next request no context of %s over %s', async (_form, transport, reader) => {
    const seen: (string | undefined)[] = [];
    const application = toApplication(reader);
    running = await startServer(
      (environ, startResponse) => {
        seen.push(storage.getStore());
        return storage.run(environ.PATH_INFO, () => application(environ, startResponse));
      },
      transport === 'TLS' ? { tls: CERTIFICATE } : {},
    );
    const { port } = running.server.address() as AddressInfo;
    const client =
      transport === 'TLS'
        ? new WireClient(connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }))
        : running.connect();
    const content = 'x'.repeat(300_000);
    const post = `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${content.length}\r\n\r\n${content}`;
    client.send(`${post}${post}${post}${get('/b')}`);
    for (let count = 0; count < 4; count += 1) {
      expect((await client.readResponse()).content.toString()).toBe('ok');
    }
    client.destroy();
    expect(seen).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('reaches a wrapped program that answers first', async () => {
    let length = 0;
    let isEnded = false;
    const listener = fromNode((request, response) => {
      response.end('early');
      request.on('data', (octets: Buffer) => {
        length += octets.length;
      });
      request.on('end', () => {
        isEnded = true;
      });
    });
    running = await startServer(listener);
    const client = running.connect();
    const content = 'x'.repeat(300_000);
    client.send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${content.length}\r\n\r\n${content.slice(0, 1000)}`,
    );
    expect((await client.readResponse()).content.toString()).toBe('early');
    client.send(content.slice(1000));
    await vi.waitFor(() => expect([length, isEnded]).toEqual([content.length, true]));
    client.send(get('/'));
    expect((await client.readResponse()).statusCode).toBe(200);
  });

  it('is thrown away within limits if a wrapped program waits for its end', async () => {
    let isEnded = false;
    const listener = fromNode((request, response) => {
      request.on('end', () => {
        isEnded = true;
      });
      response.end('early');
    });
    running = await startServer(listener, { maxDrainSize: 100_000 });
    const client = running.connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    expect((await client.readResponse()).content.toString()).toBe('early');
    client.send(`20000\r\n${'x'.repeat(0x20000)}\r\n`);
    expect((await client.readRest()).length).toBe(0);
    expect(isEnded).toBe(false);
  });

  it('ends the connection in time if it does not arrive', async () => {
    let failure: unknown;
    running = await startServer(
      (environ, startResponse) => {
        startResponse('200 OK', []);
        environ['wsgi.input'].read().catch((error) => {
          failure = error;
        });
        return ['ok'];
      },
      { requestTimeout: 100, connectionsCheckingInterval: 10 },
    );
    const client = running.connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nab');
    expect((await client.readResponse()).statusCode).toBe(200);
    expect((await client.readRest()).length).toBe(0);
    await vi.waitFor(() => expect(failure).toHaveProperty('code', 'WSGI_ERR_REQUEST_TIMEOUT'));
  });
});

describe('a request that is cut off during its content', () => {
  it.each([
    ['a length', 'Content-Length: 10\r\n\r\nabc'],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
    ['a chunk', 'Transfer-Encoding: chunked\r\n\r\n5\r\nabc'],
  ])('with %s gets no 2xx, even if nobody reads it', async (_what, rest) => {
    let isAborted = false;
    running = await startServer(async (environ, startResponse) => {
      const signal = environ['gateway.signal']?.();
      await delay(100);
      isAborted = signal?.aborted === true;
      return hello(environ, startResponse);
    });
    const client = running.connect();
    client.send(`POST / HTTP/1.1\r\nHost: a\r\n${rest}`);
    client.halfClose();
    expect((await client.readRest()).length).toBe(0);
    await vi.waitFor(() => expect(isAborted).toBe(true));
  });

  it('is not confused with a complete request that waits to be read', async () => {
    running = await startServer(async (environ, startResponse) => {
      await delay(50);
      startResponse('200 OK', []);
      return [await environ['wsgi.input'].read(), JSON.stringify(await environ['gateway.trailers']?.())];
    });
    const client = running.connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    client.send('3\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n');
    client.halfClose();
    expect((await client.readResponse()).content.toString()).toBe('abcde[["T","1"]]');
  });
});

describe('content whose trailers are awaited first', () => {
  it('is read ahead to its end and can still be read', async () => {
    running = await startServer(async (environ, startResponse) => {
      const trailers = await environ['gateway.trailers']?.();
      startResponse('200 OK', []);
      return [await environ['wsgi.input'].read(), JSON.stringify(trailers)];
    });
    const client = running.connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await delay(10);
    client.send('2\r\nde\r\n0\r\nT: 1\r\n\r\n');
    expect((await client.readResponse()).content.toString()).toBe('abcde[["T","1"]]');
  });

  it('is read ahead up to a limit', async () => {
    let socket: Socket | undefined;
    running = await startServer(async (environ, startResponse) => {
      socket = environ['gateway.socket'] as Socket;
      void environ['gateway.trailers']?.();
      await delay(100);
      startResponse('200 OK', []);
      const read = socket.bytesRead;
      return [`${read < 1_000_000} ${(await environ['wsgi.input'].read()).length}`];
    });
    const client = running.connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n');
    client.send(Buffer.alloc(5_000_000));
    expect((await client.readResponse()).content.toString()).toBe('true 5000000');
  });
});
