import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createServer, type Server, serve } from '../../../src/server/index.ts';
import { serverUrl } from '../../../src/server/node-surface/server-url.ts';
import { hello } from '../support.ts';

const FOLDER = join(import.meta.dirname, '../../support/tls');
const [key = '', cert = ''] = ['key', 'cert'].map((name) =>
  readFileSync(join(FOLDER, `${name}.pem`), 'utf8'),
);

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe('server.url', () => {
  it.each<[string, object, (port: number) => string]>([
    ['an address', {}, (port) => `http://127.0.0.1:${port}/`],
    ['an IPv6 address', { host: '::1' }, (port) => `http://[::1]:${port}/`],
    ['every address', { host: '::' }, (port) => `http://localhost:${port}/`],
    ['every IPv4 address', { host: '0.0.0.0' }, (port) => `http://localhost:${port}/`],
    ['a name', { host: 'localhost' }, (port) => `http://localhost:${port}/`],
    ['TLS', { host: 'localhost', tls: { key, cert } }, (port) => `https://localhost:${port}/`],
  ])('can be opened: %s', async (_name, options, url) => {
    const server = await serve(hello, { port: 0, ...options });
    expect(server.url).toBe(url(portOf(server)));
    if (server.url?.startsWith('http:')) expect((await fetch(server.url)).status).toBe(200);
    await server.shutdown();
    expect(server.url).toBeUndefined();
  });

  it.each<[string, (server: Server) => Server, RegExp]>([
    ['without a host', (server) => server.listen(0), /^http:\/\/localhost:\d+\/$/],
    ['with a host', (server) => server.listen(0, 'localhost'), /^http:\/\/localhost:\d+\/$/],
    [
      'with an object',
      (server) => server.listen({ port: 0, host: '127.0.0.1' }),
      /^http:\/\/127\.0\.0\.1:\d+\/$/,
    ],
  ])('knows what listen was given: %s', async (_name, listen, url) => {
    const server = createServer(hello);
    expect(server.url).toBeUndefined();
    await once(listen(server), 'listening');
    expect(server.url).toMatch(url);
    await server.shutdown();
  });

  it('is undefined on a unix socket', async () => {
    await using server = await serve(hello, { path: join(tmpdir(), `gatebridge-url-${process.pid}.sock`) });
    expect(server.url).toBeUndefined();
  });

  it('can be assigned, as helpers of tests do on node:http', () => {
    const server = createServer(hello);
    server.url = 'http://test/';
    expect(server.url).toBe('http://test/');
    expect({ ...server }).toHaveProperty('url', 'http://test/');
  });

  it.each<[Partial<AddressInfo>, 'http' | 'https', string | undefined, string]>([
    [{ port: 80 }, 'http', undefined, 'http://127.0.0.1/'],
    [{ port: 443 }, 'https', 'example.org', 'https://example.org/'],
    [{ port: 443 }, 'http', undefined, 'http://127.0.0.1:443/'],
    [{ port: 8124, address: 'fe80::1%eth0' }, 'http', 'fe80::1%eth0', 'http://[fe80::1%25eth0]:8124/'],
  ])('is what a browser shows: %o', (address, scheme, host, url) => {
    expect(serverUrl({ address: '127.0.0.1', family: 'IPv4', port: 0, ...address }, scheme, host)).toBe(url);
  });
});
