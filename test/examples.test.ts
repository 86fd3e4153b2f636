/**
 * Runs every example as its first lines say, in a process of its own and under the validator. The showcase has its own
 * test.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { fromFastCgi } from '../bridges/fastcgi/index.ts';
import { createClient } from '../src/testing/index.ts';
import { PYTHON } from './bridges/python/places.ts';
import { PHP_FPM, PhpSite } from './peers/php-site.ts';
import { requirePython } from './peers/python/require-python.ts';
import { requirePeer } from './support/peer.ts';
import { expectValid, VALIDATED } from './support/validated/validated.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'examples');
/** Every file but the helper that the examples share. */
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && name !== 'print-url.ts');

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** The examples that run, with what they have written to standard error. */
const children = new Map<Child, { text: string }>();

/** Stops the examples, and checks that their applications broke no rule. */
afterEach(async () => {
  const stopped = [...children];
  children.clear();
  for (const [child] of stopped) {
    if (child.exitCode === null && child.kill()) await once(child, 'close');
  }
  for (const [, { text }] of stopped) expectValid(text);
});

function start(file: string, variables: Readonly<Record<string, string>> = {}): Child {
  const env = { PATH: process.env.PATH ?? '', PORT: '0', ...VALIDATED, ...variables };
  const child = spawn(process.execPath, ['--import', 'tsx', join(FOLDER, file)], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { text: '' };
  child.stderr.on('data', (chunk) => {
    written.text += chunk;
  });
  children.set(child, written);
  return child;
}

/** Starts an example that serves and returns the URL that it prints. */
async function serve(
  file: string,
  variables?: Readonly<Record<string, string>>,
): Promise<{ url: string; child: Child }> {
  const child = start(file, variables);
  let output = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(output)?.[0];
    if (url !== undefined) return { url, child };
  }
  throw new Error(`${file} printed no URL but ${output}${children.get(child)?.text}`);
}

async function run(file: string, variables?: Readonly<Record<string, string>>) {
  const child = start(file, variables);
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const [code] = await once(child, 'close');
  return { stdout, stderr: children.get(child)?.text, code };
}

describe('the examples of an application', () => {
  it.each([
    ['hello-function.ts', 'Hello from a function, 127.0.0.1!\n', 'Hello from a function, 127.0.0.1!\n'],
    ['hello-class.ts', 'Hello from a class, 127.0.0.1!\n', 'Hello from a class, 127.0.0.1!\n'],
    ['hello-instance.ts', 'Hello from an instance, visitor 1!\n', 'Hello from an instance, visitor 2!\n'],
  ])('%s', async (file, first, second) => {
    const { url } = await serve(file);
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toBe(first);
    expect(await (await fetch(url)).text()).toBe(second);
  });

  it('streaming.ts', async () => {
    const { url, child } = await serve('streaming.ts');
    const leaving = once(child.stdout, 'data');
    const response = await fetch(url);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.endsWith('tick 3\n')) text += (await reader?.read())?.value ?? '';
    expect(text).toBe('tick 1\ntick 2\ntick 3\n');
    await reader?.cancel();
    expect(String((await leaving)[0])).toBe('The client has left\n');
  });

  it('upload.ts', async () => {
    const { url } = await serve('upload.ts');
    const body = Buffer.alloc(1_000_000, 'content');
    const response = await fetch(url, { method: 'PUT', body });
    const digest = createHash('sha256').update(body).digest('hex');
    expect(await response.text()).toBe(`1000000 octets, SHA-256 ${digest}\n`);
  });

  it('multipart.ts', async () => {
    const { url } = await serve('multipart.ts');
    const file = Buffer.alloc(1_000_000, 'content');
    const body = new FormData();
    body.set('name', 'Ada');
    body.set('file', new Blob([file]), 'big.bin');
    const response = await fetch(url, { method: 'POST', body });
    const digest = createHash('sha256').update(file).digest('hex');
    expect(await response.text()).toBe(`name is Ada\nfile is the file big.bin, SHA-256 ${digest}\n`);

    const headers = { 'Content-Type': 'multipart/form-data; boundary=x' };
    const cut = await fetch(url, { method: 'POST', headers, body: '--x\r\nContent-Disp' });
    expect([cut.status, await cut.text()]).toEqual([400, expect.stringMatching(/^Error: /)]);
    expect((await fetch(url, { method: 'POST', body: 'text' })).status).toBe(400);
    expect((await fetch(url)).status).toBe(400);
  });

  it('basic-auth.ts', async () => {
    const { url } = await serve('basic-auth.ts');
    const ask = (authorization: string) => fetch(url, { headers: { Authorization: authorization } });
    const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;

    const hello = await ask(basic('ada:lovelace'));
    expect([hello.status, await hello.text()]).toEqual([200, 'Hello, ada!\n']);
    expect((await ask(basic('ada:lovelace').replace('Basic', 'basic '))).status).toBe(200);

    const challenge = await fetch(url);
    expect([challenge.status, await challenge.text()]).toEqual([401, '']);
    expect(challenge.headers.get('www-authenticate')).toBe('Basic realm="site", charset="UTF-8"');
    const wrong = [
      ...['ada:Lovelace', 'ada:lovelace:', 'ada:', 'ada', ':lovelace', 'eve:lovelace', '__proto__:x'].map(
        basic,
      ),
      ...['Basic', 'Basic %', `Bearer ${basic('ada:lovelace').slice(6)}`, `${basic('ada:lovelace')}, x`],
    ];
    for (const authorization of wrong) expect((await ask(authorization)).status, authorization).toBe(401);
  });
});

describe('the examples of bridges', () => {
  it('mount-in-express.ts', async () => {
    const { url } = await serve('mount-in-express.ts');
    expect(await (await fetch(url)).text()).toMatch(/^Express answers here/);
    const texts = await Promise.all(
      ['', '/', '/x/y?z'].map(async (rest) => (await fetch(`${url}gateway${rest}`)).text()),
    );
    expect(texts).toEqual([
      `mounted at '/gateway', asked for '', in full ${url}gateway\n`,
      `mounted at '/gateway', asked for '/', in full ${url}gateway/\n`,
      `mounted at '/gateway', asked for '/x/y', in full ${url}gateway/x/y?z\n`,
    ]);
  });

  it('mount-in-fastify.ts', async () => {
    const { url } = await serve('mount-in-fastify.ts');
    expect(await (await fetch(url)).text()).toMatch(/^Fastify answers here/);
    const headers = { 'Content-Type': 'text/plain' };
    const response = await fetch(`${url}gateway/x/y`, { method: 'POST', body: 'some content', headers });
    expect(response.headers.get('x-hook')).toBe('ran');
    expect(await response.text()).toBe("mounted at '/gateway', asked for '/x/y', got 'some content'\n");
  });

  it('websockets.ts', async () => {
    const { url } = await serve('websockets.ts');
    expect(await (await fetch(`${url}chat?token=secret`)).text()).toBe('There is a WebSocket here\n');
    const socket = new WebSocket(`${url.replace('http', 'ws')}chat?token=secret`);
    await once(socket, 'open');
    socket.send('hello');
    const [message] = await once(socket, 'message');
    expect(String(message)).toBe('hello');
    socket.close();
    const stranger = new WebSocket(`${url.replace('http', 'ws')}chat`);
    expect(await once(stranger, 'open').catch((error: Error) => error.message)).toContain('401');
  });

  it('serve-express.ts', async () => {
    const { url } = await serve('serve-express.ts');
    const page = await fetch(`${url}?a=b`);
    expect(page.headers.get('set-cookie')).toBe('seen=yes; Path=/');
    expect(page.headers.get('x-powered-by')).toBe('Express');
    expect(await page.text()).toBe('Express answers GET /?a=b\n');
    const headers = { 'Content-Type': 'application/json' };
    const greeting = await fetch(`${url}greet`, { method: 'POST', body: '{"name":"Ada"}', headers });
    expect([greeting.status, await greeting.json()]).toEqual([201, { greeting: 'Hello, Ada' }]);
  });

  it('serve-fastify.ts', async () => {
    const { url } = await serve('serve-fastify.ts');
    expect(await (await fetch(`${url}sum?a=1&b=2`)).json()).toEqual({ sum: 3 });
    expect((await fetch(`${url}sum?a=1`)).status).toBe(400);
  });

  it('from-cgi.ts', async () => {
    const { url } = await serve('from-cgi.ts');
    const headers = { Authorization: `Basic ${Buffer.from('ada:').toString('base64')}` };
    const response = await fetch(`${url}old/page`, { method: 'POST', headers, body: 'some text' });
    expect(await response.text()).toMatch(/^ada asks for \/page below \/old and sends +9\n$/);
    expect(await (await fetch(`${url}old/`)).text()).toMatch(
      /^somebody asks for \/ below \/old and sends +0\n$/,
    );
  });

  it('from-fetch.ts', async () => {
    const { url } = await serve('from-fetch.ts');
    expect(await (await fetch(`${url}clock/ticks?n=2`)).text()).toBe('tick 1\ntick 0\n');
    const response = await fetch(`${url}clock/echo`, { method: 'POST', body: '{"a":1}' });
    expect(await response.json()).toEqual({ echo: { a: 1 }, from: '127.0.0.1' });
    expect((await fetch(`${url}clock/none`)).status).toBe(404);
  });

  it('cgi.ts', async () => {
    const { stdout, stderr, code } = await run('cgi.ts', { QUERY_STRING: 'name=Ada' });
    expect(stdout).toBe(
      'Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 12\r\n\r\nHello, Ada!\n',
    );
    expect([stderr, code]).toEqual(['Validates an application\n', 0]);
  });

  it('lambda.ts', async () => {
    const { stdout, code } = await run('lambda.ts');
    expect(JSON.parse(stdout)).toMatchObject({
      statusCode: 200,
      headers: { 'Set-Cookie': 'seen=yes; Path=/' },
      body: 'Hello Ada, at /prod\n',
      isBase64Encoded: false,
    });
    expect(code).toBe(0);
  });
});

describe('the examples of FastCGI', () => {
  it('from-php.ts', async (context) => {
    const php = new PhpSite(requirePeer(context, ...PHP_FPM));
    try {
      await php.start();
      const { url } = await serve('from-php.ts', { PHP_FPM: php.socket });
      const ask = async (path: string) => (await fetch(`${url}${path}`)).text();
      expect(await ask('site/news?user=Ada')).toBe('PHP answers /news?user=Ada, Ada\n');
      expect(await ask('site/')).toBe('PHP answers /, stranger\n');
      expect(await ask('site/about')).toBe('Express has taken this route over\n');
    } finally {
      await php.remove();
    }
  });

  it('serve-fastcgi.ts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatebridge-examples-'));
    const path = join(folder, 'app.sock');
    const child = start('serve-fastcgi.ts', { SOCKET: path });
    await once(child.stdout, 'data');
    const client = createClient(fromFastCgi({ path }));
    const response = await client.get('/hello', { headers: { Host: 'site.test' } });
    expect(await response.text()).toBe('Hello from http://site.test/hello\n');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    rmSync(folder, { recursive: true });
  });
});

describe('the examples of the Fetch API', () => {
  it('to-fetch.ts', async () => {
    const { stdout, code } = await run('to-fetch.ts');
    expect([stdout, code]).toEqual(['the front page\n\n/shop sells tea to 192.0.2.1\n\n', 0]);
  });

  it('to-fetch-runtimes.ts', async () => {
    const { url } = await serve('to-fetch-runtimes.ts');
    const ticks = [1, 2, 3].map((tick) => `tick ${tick} for 127.0.0.1\n`);
    expect(await (await fetch(url)).text()).toBe(ticks.join(''));
  });
});

describe('the examples of Python', () => {
  /** Debian's Python comes first: it has Debian's packages. */
  const PATHS = { PATH: `${dirname(PYTHON)}:${process.env.PATH}` };

  it('mount-flask.ts', async (context) => {
    requirePython(context, 'flask');
    const { url } = await serve('mount-flask.ts', PATHS);
    expect(await (await fetch(url)).text()).toMatch(/^Express answers here/);
    expect(await (await fetch(`${url}flask/?user=Ada`)).text()).toBe('Flask answers at /flask/, Ada\n');
    expect(await (await fetch(`${url}flask/`)).text()).toBe('Flask answers at /flask/, stranger\n');
  });

  it('replace-flask.ts', async (context) => {
    requirePython(context, 'flask');
    const { url } = await serve('replace-flask.ts', PATHS);
    for (const name of ['Ada', 'Ada '.repeat(500)]) {
      const body = new URLSearchParams({ name });
      const login = await fetch(`${url}login`, { method: 'POST', body, redirect: 'manual' });
      expect(login.headers.get('location')).toBe('/profile');
      const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const ask = async (path: string, sent = cookie) =>
        (await fetch(url + path, { headers: { Cookie: `other=1; ${sent}` } })).text();
      expect(await ask('profile')).toBe(`Express knows ${name}\n`);
      expect(await ask('orders')).toBe(`Flask has no orders of ${name}\n`);
      expect(
        await ask(
          'profile',
          cookie.replace(/..$/, (end) => (end.startsWith('A') ? 'BB' : 'AA')),
        ),
      ).toBe('Express knows undefined\n');
      expect(await ask('profile', 'session=x')).toBe('Express knows undefined\n');
    }
  });
});

describe('the examples of testing', () => {
  it('testing-with-supertest.ts', async () => {
    const { stdout, code } = await run('testing-with-supertest.ts');
    expect(stdout).toMatch(/pass 2\b/);
    expect(stdout).toMatch(/fail 0\b/);
    expect(code).toBe(0);
  });
});

it('a broken rule would be noticed', async () => {
  await run('../test/support/validated/wrong-example.ts');
  const [{ text } = { text: '' }] = children.values();
  children.clear();
  expect(text).toContain('body-139-too-short');
  expect(() => expectValid(text)).toThrow();
});

describe('the folder', () => {
  it.each(FILES)('%s is run by this test', (file) => {
    expect(readFileSync(import.meta.filename, 'utf8')).toContain(`'${file}'`);
  });

  it.each(FILES)('%s is short, begins with its idea and is in the list', (file) => {
    const text = readFileSync(join(FOLDER, file), 'utf8');
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(40);
    expect(text).toMatch(/^\/\*\*\n \* [A-Z]/);
    expect(text).toContain(`npx tsx examples/${file}`);
    expect(readFileSync(join(FOLDER, 'README.md'), 'utf8')).toContain(`| [${file}](${file}) |`);
  });
});
