import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createServer, serve } from '../../src/server/index.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import { get, hello, type RunningServer, startServer } from './support.ts';

let running: RunningServer | undefined;

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

describe('options of a server', () => {
  // Not allowed by the types; possible in JavaScript.
  it.each<[Record<string, unknown>, typeof TypeError | typeof RangeError]>([
    [{ serverHeader: 'a\r\nSet-Cookie: b' }, TypeError],
    [{ serverHeader: 'Ā' }, TypeError],
    [{ serverHeader: 5 }, TypeError],
    [{ serverName: 'a b' }, TypeError],
    [{ serverName: '' }, TypeError],
    [{ hopByHop: 'ignore' }, TypeError],
    [{ underscoreHeaders: 'Refuse' }, TypeError],
    [{ closeTimeout: Number.NaN }, RangeError],
    [{ closeTimeout: '5' }, TypeError],
    [{ connectionsCheckingInterval: Number.POSITIVE_INFINITY }, RangeError],
    [{ strict: 'yes' }, TypeError],
    [{ exposeErrors: 'no' }, TypeError],
    [{ tls: 5 }, TypeError],
    [{ environ: 'A=1' }, TypeError],
  ])('are refused: %o', (options, error) => {
    expect(() => createServer(hello, options as ServerOptions)).toThrow(error);
  });

  it('are refused if they are a port', () => {
    expect(() => createServer(hello, 3000 as never)).toThrow(/such as \{ port: 3000 \}/);
  });

  it('are refused if they are null or the application', async () => {
    expect(() => createServer(hello, null as never)).toThrow('Options must be an object, not null');
    await expect(serve(hello, null as never)).rejects.toThrow('Options must be an object, not null');
    expect(() => createServer(hello, hello as never)).toThrow('Options must be an object, not a function');
  });

  it.each<ServerOptions>([
    { timeout: Number.POSITIVE_INFINITY, keepAliveTimeout: Number.POSITIVE_INFINITY },
    { timeout: 0, keepAliveTimeout: 0 },
  ])('can switch time-outs off: %o', async (options) => {
    const warned = vi.fn();
    process.once('warning', warned);
    running = await startServer(hello, { connectionsCheckingInterval: 5, ...options });
    const client = running.connect();
    client.send(get('/'));
    const { headers } = await client.readResponse();
    expect(headers).toContainEqual(['Connection', 'keep-alive']);
    // No number of seconds exists to send.
    expect(headers.some(([name]) => name === 'Keep-Alive')).toBe(false);
    await delay(50);
    client.send(get('/'));
    expect((await client.readResponse()).statusCode).toBe(200);
    expect(warned).not.toHaveBeenCalled();
    process.off('warning', warned);
  });
});

describe('shutdown', () => {
  it('waits without limit if its time-out is infinite', async () => {
    let isCalled = false;
    running = await startServer(async (environ, startResponse) => {
      isCalled = true;
      await delay(50);
      return hello(environ, startResponse);
    });
    const client = running.connect();
    client.send(get('/'));
    await vi.waitFor(() => expect(isCalled).toBe(true));
    await running.server.shutdown({ timeout: Number.POSITIVE_INFINITY });
    expect((await client.readResponse()).content.toString()).toBe('Hello');
  });

  it('cuts off upgraded connections at the deadline', async () => {
    running = await startServer(hello);
    running.server.on('upgrade', (_request, socket) => socket.write('HTTP/1.1 101 a\r\n\r\n'));
    const client = running.connect();
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n');
    await once(running.server, 'upgrade');
    await running.server.shutdown({ timeout: 20 });
    expect(await client.farewell()).toBe('end');
  });
});
