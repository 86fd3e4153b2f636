import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import type { Application } from '../../src/wsgi.ts';
import { echo, hello, type RunningServer, startServer } from './support.ts';

let running: RunningServer;
afterEach(() => running.stop());

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

async function start(options: ServerOptions = {}) {
  running = await startServer(hello, options);
  const errors: (Error & { code?: string; rawPacket?: Buffer; bytesParsed?: number })[] = [];
  running.server.on('clientError', (error: Error, socket: Socket) => {
    errors.push(error);
    if (socket.writable) socket.end('HTTP/1.1 418 Teapot\r\n\r\n');
  });
  return { errors, client: running.connect() };
}

describe('clientError', () => {
  it.each([
    ['GET /# HTTP/1.1\r\n\r\n', 'HPE_INVALID_URL', 'WSGI_ERR_TARGET_INVALID'],
    ['G@T / HTTP/1.1\r\n\r\n', 'HPE_INVALID_METHOD', 'WSGI_ERR_METHOD_INVALID'],
    // Other servers of ours accept this method.
    ['BREW / HTTP/1.1\r\nHost: a\r\n\r\n', 'HPE_INVALID_METHOD', 'WSGI_ERR_METHOD_UNKNOWN'],
    [
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}`,
      'HPE_HEADER_OVERFLOW',
      'WSGI_ERR_FIELDS_TOO_LARGE',
    ],
    [
      'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
      'HPE_INVALID_CONTENT_LENGTH',
      'WSGI_ERR_LENGTH_INVALID',
    ],
  ])(
    'of %j has node’s code %s and ours as cause, and lets the listener answer',
    async (octets, code, cause) => {
      const { errors, client } = await start();
      client.send(Buffer.from(octets, 'latin1'));
      expect((await client.readRest()).toString()).toBe('HTTP/1.1 418 Teapot\r\n\r\n');
      expect(errors).toHaveLength(1);
      expect(errors[0]).toMatchObject({ code, cause: { code: cause } });
      expect(errors[0]?.rawPacket?.toString('latin1')).toBe(octets);
    },
  );

  it('comes after the responses to earlier requests', async () => {
    const { client } = await start();
    client.send(`${get}nonsense\r\n\r\n`);
    expect((await client.readResponse()).content.toString()).toBe('Hello');
    expect((await client.readRest()).toString()).toContain('418');
  });

  it('reports a head that takes too long', async () => {
    const { errors, client } = await start({ headersTimeout: 50, connectionsCheckingInterval: 10 });
    client.send('GET /');
    await client.readRest();
    expect(errors[0]).toMatchObject({ code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  });

  it('reports a head that is cut off, and a reset', async () => {
    const { errors, client } = await start();
    client.send('GET /');
    client.halfClose();
    await client.readRest();
    expect(errors[0]).toMatchObject({ code: 'HPE_INVALID_EOF_STATE' });
    const other = running.connect();
    other.send(get);
    await other.readResponse();
    other.reset();
    await vi.waitFor(() => expect(errors[1]).toMatchObject({ code: 'ECONNRESET' }));
  });

  // On node a head that is cut off leaves its connection open for ever.
  it.each([
    ['BAD\r\n\r\n', 1_000],
    ['GET /', 10_000],
  ])(
    'whose listener leaves the socket alone ends with the client: %j',
    async (octets, limit) => {
      running = await startServer(hello);
      const codes: unknown[] = [];
      running.server.on('clientError', (error: NodeJS.ErrnoException) => codes.push(error.code));
      const clients = Array.from({ length: 20 }, () => running.connect());
      for (const client of clients) client.send(octets);
      await delay(50);
      for (const [index, client] of clients.entries()) {
        // More octets of a client that was refused are thrown away.
        if (octets === 'BAD\r\n\r\n') client.send(Buffer.alloc(300_000));
        if (index % 2 === 0) client.halfClose();
        else client.reset();
      }
      const count = (): Promise<number> =>
        new Promise((resolve) =>
          running.server.getConnections((_error, connections) => resolve(connections)),
        );
      await vi.waitFor(async () => expect(await count()).toBe(0), limit);
      // Each is told once, though half of them reset the connection later.
      expect(codes).toHaveLength(20);
    },
    15_000,
  );

  // client-faults.test.ts holds the errors against node's.
  describe('for a fault of content', () => {
    const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const late = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab';
    const options = { requestTimeout: 100, headersTimeout: 100, connectionsCheckingInterval: 20 };
    const programs: Record<string, Application> = {
      'an application': echo,
      'an application that has begun to answer': async function* (environ, startResponse) {
        startResponse('200 OK', []);
        yield 'begun';
        yield await environ['wsgi.input'].read();
      },
      'a wrapped program': fromNode((req, res) => {
        req.on('error', () => {}).on('end', () => res.end());
        req.resume();
      }),
    };
    const faults = [`${chunked}x\r\n`, `${chunked}1\r\nab`, late];

    it.each(Object.entries(programs))('ends what the listener ends: %s', async (_name, application) => {
      for (const fault of faults) {
        running = await startServer(application, options);
        let told = 0;
        running.server.on('clientError', (_error: Error, socket: Socket) => {
          told += 1;
          socket.end('HTTP/1.1 418 Teapot\r\n\r\n');
        });
        const client = running.connect();
        client.send(fault);
        expect((await client.readRest()).toString()).toMatch(/(^|begun\r\n)HTTP\/1\.1 418 Teapot\r\n\r\n$/);
        client.destroy();
        await delay(50);
        expect([told, running.log]).toEqual([1, []]);
        await running.stop();
      }
    });

    it('leaves the answer to an application whose listener does nothing', async () => {
      for (const fault of faults) {
        running = await startServer(echo, options);
        const codes: unknown[] = [];
        running.server.on('clientError', (error: NodeJS.ErrnoException) => codes.push(error.code));
        const client = running.connect();
        client.send(fault);
        expect([400, 408]).toContain((await client.readResponse()).statusCode);
        expect(codes).toHaveLength(1);
        await running.stop();
      }
    });

    it('is told once if the client has closed its half, also over an answer that goes on', async () => {
      const { errors, client } = await start();
      client.send(late);
      client.halfClose();
      await client.readRest();
      await delay(20);
      expect(errors.map(({ code }) => code)).toEqual(['HPE_INVALID_EOF_STATE']);
    });

    it('is told if nobody reads the content', async () => {
      const { errors, client } = await start();
      client.send(`${chunked}x\r\n`);
      expect((await client.readResponse()).content.toString()).toBe('Hello');
      await vi.waitFor(() => expect(errors).toMatchObject([{ code: 'HPE_INVALID_CHUNK_SIZE' }]));
    });
  });

  it.each([
    ['a head', 'BAD\r\n\r\n'],
    ['a chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n'],
  ])('without a listener is an error of the sockets of `connection`: in %s', async (_place, octets) => {
    running = await startServer(echo);
    const trail: unknown[] = [];
    running.server.on('connection', (socket: Socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) =>
        trail.push(error.code, Reflect.get(error, 'bytesParsed')),
      );
      socket.on('close', (hadError) => trail.push(hadError));
    });
    const client = running.connect();
    client.send(octets);
    expect((await client.readResponse()).statusCode).toBe(400);
    client.destroy();
    await vi.waitFor(() => expect(trail).toHaveLength(3));
    expect(trail).toEqual([expect.stringMatching(/^HPE_/), expect.any(Number), true]);
  });

  it('leaves a socket of `connection` without a listener for error alone', async () => {
    running = await startServer(hello);
    running.server.on('connection', () => {});
    const client = running.connect();
    client.send('BAD\r\n\r\n');
    expect((await client.readResponse()).statusCode).toBe(400);
    await delay(20);
  });

  it('is answered by the server if there is no listener', async () => {
    running = await startServer(hello);
    const client = running.connect();
    client.send('nonsense\r\n\r\n');
    expect((await client.readResponse()).statusCode).toBe(400);
    await delay(1);
  });
});
