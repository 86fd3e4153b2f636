/** Real proxies in TCP mode in front of a server: it sees the clients of the proxy, over TCP and unix sockets. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { createServer, type ServerOptions } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { requirePeer } from '../support/peer.ts';
import { startProxy, type Upstream } from './proxies.ts';
import { hasIPv6, TCP_PROXIES } from './tcp-proxies.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatebridge-peers-'));
const support = new URL('../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', support)),
  cert: readFileSync(new URL('cert.pem', support)),
};

const KEYS = ['REMOTE_ADDR', 'SERVER_PORT', 'wsgi.url_scheme', 'SSL_PROTOCOL', 'SSL_CLIENT_VERIFY'] as const;

const tell: Application = async (environ, startResponse) => {
  const content = await environ['wsgi.input'].read();
  startResponse('200 OK', []);
  const keys = Object.fromEntries(KEYS.map((key) => [key, environ[key]]));
  const { version, authority } = environ['gateway.proxy_protocol'] ?? {};
  return [JSON.stringify({ ...keys, version, authority, length: content.length })];
};

/** Starts a server; gives its place and the faults of its clients. */
async function listen(
  kind: 'TCP' | 'unix',
  options: ServerOptions = {},
): Promise<{ upstream: Upstream; faults: unknown[] }> {
  const faults: unknown[] = [];
  const server = createServer(tell, { proxyProtocol: [kind === 'TCP' ? 'loopback' : 'unix'], ...options });
  server.on('clientError', (error: Error & { code?: string }) => {
    // HAProxy ends its checks of health by a reset.
    if (error.code !== 'ECONNRESET') faults.push(error);
  });
  const path = join(folder, 'socket');
  await once(server.listen(kind === 'TCP' ? { port: 0, host: '127.0.0.1' } : { path }), 'listening');
  onTestFinished(() => server.shutdown({ timeout: 1 }));
  if (kind === 'TCP') return { upstream: (server.address() as AddressInfo).port, faults };
  // Proxies may run as another user.
  await chmod(path, 0o777);
  return { upstream: path, faults };
}

beforeAll(() => chmod(folder, 0o755));
afterAll(() => rmSync(folder, { recursive: true }));

async function start(context: TestContext, name: string, upstream: Upstream): Promise<URL> {
  const recipe = TCP_PROXIES[name];
  if (recipe === undefined) throw new TypeError(`There is no proxy ${name}`);
  const program = requirePeer(context, ...recipe.programs);
  if (recipe.module !== undefined && !existsSync(recipe.module)) {
    if (process.env.CI === 'true') throw new Error(`${recipe.module} is not installed: add it to .ci/run`);
    context.skip(`${recipe.module} is not installed`);
  }
  const proxy = await startProxy(program, recipe, upstream);
  onTestFinished(() => proxy.stop());
  const url = new URL(proxy.url);
  if (recipe.endsTls) url.protocol = 'https:';
  return url;
}

/** Asks from an address of this machine. */
function ask(url: URL, localAddress: string, content = ''): Promise<unknown> {
  const options = { method: 'POST', localAddress, agent: false, ca: tls.cert, servername: 'localhost' };
  const request = url.protocol === 'https:' ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, (response) => {
      response.toArray().then((pieces) => resolve(JSON.parse(Buffer.concat(pieces).toString())), reject);
    });
    outgoing.on('error', reject).end(content);
  });
}

describe.each(Object.entries(TCP_PROXIES))('%s', (name, { version, endsTls }) => {
  it.for(['TCP', 'unix'] as const)(
    'tells its clients over %s',
    { timeout: 60_000 },
    async (kind, context) => {
      const { upstream, faults } = await listen(kind);
      const url = await start(context, name, upstream);
      const secure = {
        'wsgi.url_scheme': 'https',
        SSL_PROTOCOL: 'TLSv1.3',
        SSL_CLIENT_VERIFY: 'NONE',
        authority: 'localhost',
      };
      const common = {
        SERVER_PORT: url.port,
        version,
        ...(endsTls ? secure : { 'wsgi.url_scheme': 'http' }),
      };
      // Many at once, each from an address of its own, with content in the packet of the header or far behind it.
      const clients = Array.from({ length: 40 }, (_, index) => `127.0.0.${index + 2}`);
      const told = await Promise.all(
        clients.map((client, index) => ask(url, client, 'x'.repeat(index * 5000))),
      );
      for (const [index, client] of clients.entries()) {
        expect(told[index]).toMatchObject({ ...common, REMOTE_ADDR: client, length: index * 5000 });
      }
      if (hasIPv6) {
        url.hostname = '[::1]';
        expect(await ask(url, '::1')).toMatchObject({ ...common, REMOTE_ADDR: '::1' });
      }
      // Meanwhile the proxy has looked several times if the server is up.
      await delay(300);
      expect(faults).toEqual([]);
    },
  );
});

describe('HAProxy that passes TLS on', () => {
  it.for(['TCP', 'unix'] as const)(
    'tells its clients over %s',
    { timeout: 60_000 },
    async (kind, context) => {
      for (const name of ['HAProxy with version 1', 'HAProxy with version 2']) {
        const { upstream } = await listen(kind, { tls });
        const url = await start(context, name, upstream);
        url.protocol = 'https:';
        const told = await ask(url, '127.0.0.7', 'x'.repeat(100_000));
        expect(told).toMatchObject({ REMOTE_ADDR: '127.0.0.7', 'wsgi.url_scheme': 'https', length: 100_000 });
        if (kind === 'unix') break;
      }
    },
  );
});

describe('curl with --haproxy-protocol', () => {
  it.for(['http', 'https'] as const)('tells its own address over %s', async (scheme, context) => {
    const { upstream } = await listen('TCP', scheme === 'https' ? { tls } : {});
    const parameters = [
      '-s',
      '-k',
      '--haproxy-protocol',
      '--interface',
      '127.0.0.7',
      `${scheme}://127.0.0.1:${upstream}/`,
    ];
    const output = await new Promise<string>((resolve) => {
      execFile(requirePeer(context, 'curl'), parameters, (_error, stdout) => resolve(stdout));
    });
    expect(JSON.parse(output)).toMatchObject({
      REMOTE_ADDR: '127.0.0.7',
      'wsgi.url_scheme': scheme,
      version: 1,
    });
  });
});
