/**
 * Limits as a client meets them: set by options, changed while the server runs, and at their defaults. Also the
 * memory that a client without restraint can make the server use.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { WireClient } from '../../src/conformance/wire-client.ts';
import type { ServerOptions, ServerSettings } from '../../src/server/options.ts';
import type { Application } from '../../src/wsgi.ts';
import { echo, hello, type RunningServer, startServer } from './support.ts';

let running: RunningServer;
afterEach(() => running.stop());

async function start(application: Application, options?: ServerOptions): Promise<WireClient> {
  running = await startServer(application, options);
  return running.connect();
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const post = (length: number): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`;
/** A request line of this many octets. */
const line = (size: number): string =>
  `GET /${'x'.repeat(size - 16)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
/** A field section of this many octets. */
const section = (size: number): string =>
  `GET / HTTP/1.1\r\nConnection: close\r\nHost: a\r\nX: ${'y'.repeat(size - 35)}\r\n\r\n`;
const fields = (count: number): string => `GET / HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(count - 1)}\r\n`;
/** Chunks with this many octets of extensions in total. */
const extensions = (size: number): string =>
  `${CHUNKED}1;${'a'.repeat(size / 2 - 1)}\r\nx\r\n0;${'a'.repeat(size / 2 - 1)}\r\n\r\n`;
/** A trailer section of this many octets. */
const trailers = (size: number): string => `${CHUNKED}0\r\nT: ${'t'.repeat(size - 7)}\r\n\r\n`;
const chunks = (size: number): string => `${CHUNKED}${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`;

type Limit = Exclude<keyof ServerSettings, 'requireHostHeader'>;

describe.each<[Limit, number, (size: number) => string, number, number]>([
  ['maxHeaderSize', 100, line, 16_384, 414],
  ['maxHeaderSize', 100, section, 16_384, 431],
  ['maxHeadersCount', 5, fields, 100, 431],
  ['maxBodySize', 10, post, 1_073_741_824, 413],
  ['maxBodySize', 10, chunks, 1_073_741_824, 413],
  ['maxChunkExtensionSize', 40, extensions, 16_384, 413],
  ['maxTrailerSize', 40, trailers, 16_384, 431],
])('%s', (name, limit, request, byDefault, status) => {
  it(`as an option allows ${request.name} of exactly that size, and no more`, async () => {
    const client = await start(echo, { [name]: limit });
    client.send(request(limit));
    expect((await client.readResponse()).statusCode).toBe(200);
    const other = running.connect();
    other.send(request(limit + 2));
    const refusal = await other.readResponse();
    expect([refusal.statusCode, await other.farewell()]).toEqual([status, 'end']);
    expect(refusal.headers).toContainEqual(['Connection', 'close']);
  });

  it(`as a property holds for connections to come: ${request.name}`, async () => {
    const client = await start(echo);
    Reflect.set(running.server, name, limit);
    client.send(request(limit + 2));
    expect((await client.readResponse()).statusCode).toBe(status);
    Reflect.set(running.server, name, limit + 2);
    const other = running.connect();
    other.send(request(limit + 2));
    expect((await other.readResponse()).statusCode).toBe(200);
  });

  it(`has a default: ${request.name}`, async () => {
    const client = await start(echo);
    expect(running.server[name]).toBe(byDefault);
    if (byDefault > 100_000) return;
    client.send(request(byDefault));
    expect((await client.readResponse()).statusCode).toBe(200);
    const other = running.connect();
    other.send(request(byDefault + 2));
    expect((await other.readResponse()).statusCode).toBe(status);
  });
});

describe('the defaults', () => {
  it('allow a request line of 8,000 octets together with a field section of 15,000', async () => {
    const client = await start(hello);
    client.send(section(15_000).replace('GET / ', `GET /${'x'.repeat(7_984)} `));
    expect((await client.readResponse()).statusCode).toBe(200);
  });

  it('refuse a length above 1 GiB before any content arrives', async () => {
    const client = await start(hello);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741825\r\n\r\n');
    expect((await client.readResponse()).statusCode).toBe(413);
  });
});

describe('a limit of 0', () => {
  it('lets any number of fields pass (maxHeadersCount)', async () => {
    const client = await start(hello, { maxHeadersCount: 0 });
    client.send(fields(2500));
    expect((await client.readResponse()).statusCode).toBe(200);
  });

  it('is the default of maxRequestsPerSocket: any number of requests is served', async () => {
    const client = await start(hello);
    client.send(GET.repeat(500));
    for (let count = 0; count < 500; count += 1) {
      expect((await client.readResponse()).headers).toContainEqual(['Connection', 'keep-alive']);
    }
  });
});

describe('the input that a server accepts', () => {
  /** Sends as much as the server takes in this many milliseconds, and gives the number of octets. */
  async function push(client: WireClient, piece: string, milliseconds: number): Promise<number> {
    const { socket } = client;
    const octets = Buffer.from(piece.repeat(Math.ceil(65_536 / piece.length)), 'latin1');
    const deadline = performance.now() + milliseconds;
    while (performance.now() < deadline && !socket.destroyed) {
      if (socket.writableLength < 1_000_000) socket.write(octets);
      await delay(1);
    }
    return socket.bytesWritten - socket.writableLength;
  }

  /** More than the kernel buffers on both sides of a loopback connection. */
  const KERNEL = 20_000_000;

  it('is bounded if the application reads nothing', async () => {
    const client = await start(async (environ, startResponse) => {
      await delay(1500);
      return hello(environ, startResponse);
    });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n');
    expect(await push(client, 'x', 1000)).toBeLessThan(KERNEL);
    expect((await client.readResponse()).statusCode).toBe(200);
  });

  it('is bounded if requests are pipelined behind a slow one', async () => {
    const client = await start(async (environ, startResponse) => {
      await delay(1500);
      return hello(environ, startResponse);
    });
    expect(await push(client, GET, 1000)).toBeLessThan(KERNEL);
  });

  it('is bounded if the client reads no responses', async () => {
    let served = 0;
    const client = await start((_environ, startResponse) => {
      served += 1;
      startResponse('200 OK', []);
      return [Buffer.alloc(100_000)];
    });
    client.socket.pause();
    expect(await push(client, GET, 1000)).toBeLessThan(KERNEL);
    expect(served).toBeLessThan(1000);
  });

  it.each([
    ['empty lines', '', '\r\n', 400],
    ['a request line', 'GET /', 'x', 414],
    ['field lines', 'GET / HTTP/1.1\r\n', 'X: 1\r\n', 431],
    ['a field line', 'GET / HTTP/1.1\r\nX: ', 'x', 431],
    ['extensions', `${CHUNKED}1;a=`, 'x', 413],
    ['extensions of many chunks', CHUNKED, '1;a=b\r\nx\r\n', 413],
    ['zeros', CHUNKED, '0', 413],
    ['trailers', `${CHUNKED}0\r\n`, 'T: 1\r\n', 431],
  ])('ends with a refusal for endless %s', async (_what, first, piece, status) => {
    const client = await start(echo);
    client.send(first);
    const pushing = push(client, piece, 300);
    expect((await client.readResponse()).statusCode).toBe(status);
    expect(await client.farewell()).toBe('end');
    await pushing;
  });

  it('takes linear time, octet by octet', async () => {
    const client = await start(echo, { maxTrailerSize: 60_000, maxHeaderSize: 60_000, maxHeadersCount: 0 });
    const send = async (text: string): Promise<number> => {
      const before = process.cpuUsage();
      for (let at = 0; at < text.length; at += 1) {
        client.send(text.charAt(at));
        if (at % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      expect((await client.readResponse()).statusCode).toBe(200);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    // After a warm-up, four times the octets: quadratic time would cost sixteen times as much.
    await send(section(4000).replace('Connection: close\r\n', ''));
    const once = await send(section(5000).replace('Connection: close\r\n', ''));
    const fourfold = await send(section(20_000).replace('Connection: close\r\n', ''));
    expect(fourfold / once).toBeLessThan(10);
  });
});
