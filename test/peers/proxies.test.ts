/** Real proxies and clients: answers to uploads that nobody reads, and responses that fail in the middle. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { readBody } from '../../src/index.ts';
import { createServer, type Server } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { requirePeer } from '../support/peer.ts';
import { PROXIES, type RunningProxy, startProxy, type Upstream } from './proxies.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatebridge-peers-'));
const FILE = join(folder, 'upload');
const SIZE = 10_000_000;
/** Uploads to each peer, one after another. */
const UPLOADS = 5;

const application: Application = async (environ, startResponse) => {
  if (environ.PATH_INFO === '/413') await readBody(environ, { limit: 1000 });
  if (environ.PATH_INFO === '/fails') {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return (async function* () {
      yield 'partial';
      await delay(50);
      throw new Error('Application fails on purpose');
    })();
  }
  startResponse('401 Unauthorized', []);
  return ['no'];
};

let server: Server;
let proxy: RunningProxy | undefined;

const environ = { 'wsgi.errors': { write: () => {}, writelines: () => {}, flush: () => {} } };

async function listen(kind: 'TCP' | 'unix'): Promise<Upstream> {
  server = createServer(application, { environ });
  if (kind === 'TCP') {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return (server.address() as AddressInfo).port;
  }
  const path = join(folder, 'socket');
  await once(server.listen(path), 'listening');
  // Proxies may run as another user.
  await chmod(path, 0o777);
  return path;
}

beforeAll(async () => {
  writeFileSync(FILE, Buffer.alloc(SIZE, 'x'));
  await chmod(folder, 0o755);
});
afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
  await server.shutdown({ timeout: 1 });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program; gives its exit code and what it has said. */
function run(program: string, parameters: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(program, [...parameters], { timeout: 30_000 }, (error, stdout) => {
      resolve({
        code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
        output: stdout,
      });
    });
  });
}

/** Uploads by curl, which prints the status. */
async function upload(context: TestContext, url: string, expect: string): Promise<string> {
  const curl = requirePeer(context, 'curl');
  const { output } = await run(curl, [
    ...['-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', expect],
    ...['--data-binary', `@${FILE}`, url],
  ]);
  return output;
}

async function start(context: TestContext, name: string, upstream: Upstream): Promise<string> {
  const recipe = PROXIES[name];
  if (recipe === undefined) throw new TypeError(`There is no proxy ${name}`);
  proxy = await startProxy(requirePeer(context, ...recipe.programs), recipe, upstream);
  return proxy.url;
}

describe.each(Object.keys(PROXIES))('the answer to an upload that nobody reads, through %s', (name) => {
  it.for([
    ['401', '401', 'Expect:'],
    ['401 to Expect', '401', 'Expect: 100-continue'],
    ['413 from readBody', '413', 'Expect:'],
  ] as const)('arrives each time: %s', { timeout: 60_000 }, async ([_what, status, expectation], context) => {
    if (name === 'Caddy' && expectation.endsWith('100-continue'))
      context.skip(
        'Caddy asks for the content all the same, and then resets its client; so it does before node:http',
      );
    const url = await start(context, name, await listen('TCP'));
    const statuses: string[] = [];
    for (let count = 0; count < UPLOADS; count += 1) {
      statuses.push(await upload(context, `${url}${status}`, expectation));
    }
    expect(statuses).toEqual(statuses.map(() => status));
  });
});

describe('the answer to an upload that nobody reads', () => {
  it.for(['401', '413'])('arrives at curl: %s', { timeout: 60_000 }, async (status, context) => {
    const url = `http://127.0.0.1:${await listen('TCP')}/${status}`;
    for (const expectation of ['Expect:', 'Expect: 100-continue']) {
      for (let count = 0; count < UPLOADS; count += 1) {
        expect(await upload(context, url, expectation)).toBe(status);
      }
    }
  });

  it("arrives at Python's http.client", async (context) => {
    const python = requirePeer(context, 'python3');
    const port = await listen('TCP');
    const script = `
import http.client
statuses = []
for count in range(${UPLOADS}):
    connection = http.client.HTTPConnection('127.0.0.1', ${port})
    connection.request('POST', '/', open('${FILE}', 'rb').read())
    statuses.append(connection.getresponse().status)
    connection.close()
print(statuses)`;
    const { output } = await run(python, ['-c', script]);
    expect(JSON.parse(output)).toEqual(Array.from({ length: UPLOADS }, () => 401));
  });

  it("arrives at Node's fetch", async () => {
    const port = await listen('TCP');
    for (let count = 0; count < UPLOADS; count += 1) {
      const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: Buffer.alloc(SIZE) });
      expect([response.status, await response.text()]).toEqual([401, 'no']);
    }
  }, 60_000);
});

/** Caddy ends a response that was cut off in order before 2.7.6 (its issue 5951); Debian 12 has 2.6.2. */
const CUTTING = Object.keys(PROXIES).filter((name) => name !== 'Caddy');

describe.each(CUTTING)('a response that fails in the middle, through %s', (name) => {
  it.for(['TCP', 'unix'] as const)(
    'does not pass for a whole one over %s',
    { timeout: 60_000 },
    async (kind, context) => {
      const url = await start(context, name, await listen(kind));
      const { code } = await run(requirePeer(context, 'curl'), ['-s', '-m', '20', `${url}fails`]);
      expect(code).not.toBe(0);
    },
  );
});
