/** The command in one process: addresses, logs, signals, what it says. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { get as getHttp, type request } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Command, HELLO, projectFolder, runCommand } from './command.ts';

// The first test compiles the package.
vi.setConfig({ testTimeout: 60_000 });

/** Starting a process takes seconds on a busy machine. */
const eventually = (read: () => unknown) => expect.poll(read, { timeout: 15_000 });

/** Sends a GET over a unix socket. */
async function getUnix(socketPath: string): Promise<string> {
  const sent = getHttp({ socketPath, path: '/' });
  const [response] = await once(sent, 'response');
  return (await response.toArray()).join('');
}

async function text(url: string, init?: RequestInit): Promise<string> {
  return (await fetch(url, init)).text();
}

describe('addresses', () => {
  it('serves at 127.0.0.1, and says where', async () => {
    const folder = projectFolder({ 'app.js': HELLO });
    const command = new Command(['app.js:app', '--port', '0'], { folder });
    const url = await command.url();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await text(`${url}x`)).toBe('Hello from the root/x');
    expect(command.stderr).toMatch(
      /^gatebridge \d\S* · node \S+ · one process\n◆ app {6}app\.js:app \(gateway\)\n➜ listen {3}http/,
    );
    expect(command.stderr).toContain(`(pid ${command.pid}, Ctrl+C to stop)`);
    // No colour off a terminal.
    expect(command.stderr).not.toContain('\x1b');
    command.kill('SIGTERM');
    expect(await command.exit).toEqual({ code: 0, signal: null });
  });

  it('binds to several, of all kinds', async () => {
    const folder = projectFolder({ 'app.js': HELLO });
    const socket = join(folder, 'app.sock');
    const command = new Command(
      ['app.js', '-b', '127.0.0.1:0', '-b', '[::1]:0', '--bind', `unix:${socket}`, '--socket-mode', '600'],
      { folder },
    );
    await command.says(/Ctrl\+C/);
    const urls = [...command.stderr.matchAll(/http:\S+/g)].map(([url]) => url);
    expect(urls[1]).toMatch(/^http:\/\/\[::1\]:\d+\/$/);
    for (const url of urls) expect(await text(url)).toBe('Hello from the root/');
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(await getUnix(socket)).toBe('Hello from the root/');
    command.kill('SIGINT');
    expect(await command.exit).toEqual({ code: 0, signal: null });
    expect(existsSync(socket)).toBe(false);
  });

  it('removes a socket file that a killed process has left, and no other file', async () => {
    const folder = projectFolder({ 'app.js': HELLO, 'file.txt': '' });
    const socket = join(folder, 'app.sock');
    const first = new Command(['app.js', '-b', `unix:${socket}`], { folder });
    await first.says(/Ctrl\+C/);
    const second = await runCommand(['app.js', '-b', `unix:${socket}`], { folder });
    expect(second).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(`Another process listens on unix:${socket}`),
    });
    first.kill('SIGKILL');
    await first.exit;
    const third = new Command(['app.js', '-b', `unix:${socket}`], { folder });
    await third.says(/Ctrl\+C/);
    expect(await getUnix(socket)).toBe('Hello from the root/');
    const onFile = await runCommand(['app.js', '-b', 'unix:file.txt'], { folder });
    expect(onFile).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('file.txt exists and is no socket'),
    });
    expect(existsSync(join(folder, 'file.txt'))).toBe(true);
  });

  it.each([
    [{ PORT: '0' }, /http:\/\/localhost:\d+\/ {2}on every address/],
    [{ PORT: '0', HOST: '127.0.0.1' }, /http:\/\/127\.0\.0\.1:\d+\//],
  ])('takes the environment %j', async (env, expected) => {
    const command = new Command(['app.js'], { folder: projectFolder({ 'app.js': HELLO }), env });
    await command.says(expected);
  });

  it.each([[[]], [['--workers', '1']]])('logs that seconds may be meant: %j', async (args) => {
    const folder = projectFolder({ 'app.js': HELLO });
    const command = new Command(['app.js', '-p', '0', '--drain-grace', '30', ...args], { folder });
    await command.url();
    expect(command.stderr.match(/--drain-grace 30 is 30 milliseconds/g)).toHaveLength(1);
    command.kill('SIGTERM');
    await command.exit;
  });

  it('refuses a wrong PORT kindly', async () => {
    const done = await runCommand(['app.js'], {
      folder: projectFolder({ 'app.js': HELLO }),
      env: { PORT: 'abc' },
    });
    expect(done).toMatchObject({
      code: 2,
      stderr: 'gatebridge: The environment variable PORT must be a port from 0 to 65535, not "abc"\n',
    });
  });

  it('names the process that holds a port', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const done = await runCommand(['app.js', '-p', `${port}`], {
      folder: projectFolder({ 'app.js': HELLO }),
    });
    holder.close();
    expect(done.code).toBe(4);
    expect(done.stderr).toContain(`Port ${port} is in use by process ${process.pid} (`);
    expect(done.stderr).toContain('--port 0 any free one');
  });

  it('says so if the machine has no such address', async () => {
    const done = await runCommand(['app.js', '-b', '192.0.2.1:80'], {
      folder: projectFolder({ 'app.js': HELLO }),
    });
    expect(done).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('This machine has no address 192.0.2.1'),
    });
  });
});

describe('layers', () => {
  it('mounts at --root-path, if the proxy takes it off or not', async () => {
    const command = new Command(['app.js', '-p', '0', '--root-path', '/shop'], {
      folder: projectFolder({ 'app.js': HELLO }),
    });
    const url = await command.url();
    expect(await text(`${url}shop/x`)).toBe('Hello from /shop/x');
    expect(await text(`${url}x`)).toBe('Hello from /shop/x');
    expect(await text(`${url}shop`)).toBe('Hello from /shop');
  });

  it('believes a proxy only if it is told to', async () => {
    const app = `export function app(e, s) { s('200 OK', []); return [e.REMOTE_ADDR + ' ' + e['wsgi.url_scheme']]; }`;
    const folder = projectFolder({ 'app.js': app });
    const headers = { 'X-Forwarded-For': '192.0.2.7', 'X-Forwarded-Proto': 'https' };
    const plain = new Command(['app.js', '-p', '0'], { folder });
    expect(await text(await plain.url(), { headers })).toBe('127.0.0.1 http');
    const trusting = new Command(['app.js', '-p', '0', '--forwarded-allow-ips', '10.0.0.0/8,127.0.0.1'], {
      folder,
    });
    expect(await text(await trusting.url(), { headers })).toBe('192.0.2.7 https');
    const all = new Command(['app.js', '-p', '0'], { folder, env: { FORWARDED_ALLOW_IPS: '*' } });
    expect(await text(await all.url(), { headers })).toBe('192.0.2.7 https');
    await trusting.says(/Ctrl/);
    expect(trusting.stdout).toContain('192.0.2.7 - - [');
  });

  it('answers 503 above --limit-concurrency', async () => {
    const app = `export async function app(e, s) { await new Promise((r) => setTimeout(r, 300)); s('200 OK', []); return ['late']; }`;
    const command = new Command(['app.js', '-p', '0', '--limit-concurrency', '2'], {
      folder: projectFolder({ 'app.js': app }),
    });
    const url = await command.url();
    const statuses = await Promise.all([1, 2, 3, 4].map(async () => (await fetch(url)).status));
    expect(statuses.sort()).toEqual([200, 200, 503, 503]);
    expect((await fetch(url)).status).toBe(200);
  });

  it('tells what breaks PEP 3333 with --validate', async () => {
    const app = `export function app(e, s) { s('200 OK', [['Status', '200']]); return ['x']; }`;
    const command = new Command(['app.js', '-p', '0', '--validate'], {
      folder: projectFolder({ 'app.js': app }),
    });
    await fetch(await command.url());
    await command.says(/Broken rule: .*no header named Status/);
  });

  it('takes limits of the server as flags', async () => {
    const command = new Command(['app.js', '-p', '0', '--max-header-size', '1k'], {
      folder: projectFolder({ 'app.js': HELLO }),
    });
    expect((await fetch(await command.url(), { headers: { 'X-Long': 'a'.repeat(2_000) } })).status).toBe(431);
  });
});

describe('logs', () => {
  it('writes a line for each request to stdout', async () => {
    const command = new Command(['app.js', '-p', '0'], { folder: projectFolder({ 'app.js': HELLO }) });
    const url = await command.url();
    await text(`${url}a?b=1`);
    await eventually(() => command.stdout).toMatch(
      /^127\.0\.0\.1 - - \[[^\]]+\] "GET \/a\?b=1 HTTP\/1\.1" 200 21\n$/,
    );
  });

  it.each([
    ['json', /^\{"time":.*"target":"\/".*\}\n$/],
    ['combined', /"GET \/ HTTP\/1\.1" 200 20 "-" "[^"]+"\n$/],
  ])('in the format %s', async (format, expected) => {
    const command = new Command(['app.js', '-p', '0', '--access-log-format', format], {
      folder: projectFolder({ 'app.js': HELLO }),
    });
    await text(await command.url());
    await eventually(() => command.stdout).toMatch(expected);
  });

  it('or none, and no banner when it is silent', async () => {
    const folder = projectFolder({ 'app.js': HELLO });
    const command = new Command(
      ['app.js', '-b', 'unix:app.sock', '--no-access-log', '--log-level', 'silent'],
      { folder },
    );
    await eventually(() => existsSync(join(folder, 'app.sock'))).toBe(true);
    await getUnix(join(folder, 'app.sock'));
    command.kill('SIGTERM');
    await command.exit;
    expect([command.stdout, command.stderr]).toEqual(['', '']);
  });

  it('goes to a file, which USR1 opens anew', async () => {
    const folder = projectFolder({ 'app.js': HELLO });
    const command = new Command(['app.js', '-p', '0', '--access-log-file', 'access.log'], { folder });
    const url = await command.url();
    await text(`${url}one`);
    const file = join(folder, 'access.log');
    await eventually(() => readFileSync(file, 'utf8')).toContain('GET /one');
    renameSync(file, `${file}.1`);
    command.kill('SIGUSR1');
    await eventually(() => existsSync(file)).toBe(true);
    await text(`${url}two`);
    await eventually(() => readFileSync(file, 'utf8')).toContain('GET /two');
    expect(readFileSync(`${file}.1`, 'utf8')).not.toContain('two');
    expect(command.stdout).toBe('');
  });

  it('goes on when nobody reads stdout any more', async () => {
    const command = new Command(['app.js', '-p', '0'], { folder: projectFolder({ 'app.js': HELLO }) });
    const url = await command.url();
    command.child.stdout?.destroy();
    for (let count = 0; count < 5; count += 1) expect(await text(url)).toBe('Hello from the root/');
    expect(command.stderr).not.toContain('Error');
  });
});

describe('its end', () => {
  const SLOW = `
  export async function app(environ, startResponse) {
    startResponse('200 OK', []);
    return (async function* () { yield 'begin '; await new Promise((r) => setTimeout(r, Number(environ.QUERY_STRING))); yield 'end'; })();
  }
  export async function close() { await new Promise((r) => setTimeout(r, 20)); console.error('the hook has run'); }`;

  it('waits for answers in flight, then runs the shutdown hook', async () => {
    const command = new Command(['app.js', '-p', '0'], { folder: projectFolder({ 'app.js': SLOW }) });
    const url = await command.url();
    const response = await fetch(`${url}?300`);
    command.kill('SIGTERM');
    expect(await response.text()).toBe('begin end');
    expect(await command.exit).toEqual({ code: 0, signal: null });
    expect(command.stderr).toMatch(
      /SIGTERM: stops; answers in flight have 30 s, a second signal forces\n(.*\n)*the hook has run\n$/,
    );
  });

  it('cuts them at the deadline', async () => {
    const command = new Command(['app.js', '-p', '0', '--graceful-timeout', '200ms'], {
      folder: projectFolder({ 'app.js': SLOW }),
    });
    const response = await fetch(`${await command.url()}?60000`);
    command.kill('SIGTERM');
    await expect(response.text()).rejects.toThrow();
    expect(await command.exit).toEqual({ code: 0, signal: null });
  });

  it('stops at once on a second signal', async () => {
    const command = new Command(['app.js', '-p', '0'], { folder: projectFolder({ 'app.js': SLOW }) });
    const response = await fetch(`${await command.url()}?60000`);
    command.kill('SIGINT');
    await command.says(/a second signal forces/);
    command.kill('SIGINT');
    await expect(response.text()).rejects.toThrow();
    expect(await command.exit).toEqual({ code: 1, signal: null });
  });

  it('serves one more request on an idle connection, and says that it is the last', async () => {
    const command = new Command(['app.js', '-p', '0', '--drain-grace', '5s'], {
      folder: projectFolder({ 'app.js': HELLO }),
    });
    const { port } = new URL(await command.url());
    const socket = connect(Number(port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1').on('data', (data) => {
      answer += data;
    });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => answer).toContain('Hello');
    expect(answer).toContain('Connection: keep-alive');
    command.kill('SIGTERM');
    await command.says(/SIGTERM/);
    answer = '';
    socket.write('GET /last HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'end');
    expect(answer).toMatch(
      /^HTTP\/1\.1 200 OK\r\n(.*\r\n)*Connection: close\r\n(.*\r\n)*\r\nHello from the root\/last$/,
    );
    socket.end();
    expect(await command.exit).toEqual({ code: 0, signal: null });
  });

  it('writes its process id, and removes the file', async () => {
    const folder = projectFolder({ 'app.js': HELLO });
    const command = new Command(['app.js', '-p', '0', '--pid', 'app.pid'], { folder });
    await command.url();
    expect(readFileSync(join(folder, 'app.pid'), 'utf8')).toBe(`${command.pid}\n`);
    const second = await runCommand(['app.js', '-p', '0', '--pid', 'app.pid'], { folder });
    expect(second).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`process ${command.pid} runs already`),
    });
    command.kill('SIGTERM');
    await command.exit;
    expect(existsSync(join(folder, 'app.pid'))).toBe(false);
    // One that a killed process has left does not count.
    writeFileSync(join(folder, 'app.pid'), `${command.pid}\n`);
    const third = new Command(['app.js', '-p', '0', '--pid', 'app.pid'], { folder });
    await third.url();
  });
});

describe('TLS', () => {
  const CERTIFICATES = join(import.meta.dirname, '../support/tls');

  it('serves HTTPS, and takes over a new certificate', async () => {
    const folder = projectFolder({ 'app.js': HELLO });
    const copy = (prefix: string): void => {
      for (const kind of ['cert', 'key'])
        writeFileSync(join(folder, `${kind}.pem`), readFileSync(join(CERTIFICATES, `${prefix}${kind}.pem`)));
    };
    copy('');
    const command = new Command(['app.js', '-p', '0', '--cert', 'cert.pem', '--key', 'key.pem'], { folder });
    const url = await command.url();
    expect(url).toMatch(/^https:/);
    const before = await fingerprint(url);
    copy('client-');
    await command.says(/The certificate was read anew/);
    expect(await fingerprint(url)).not.toBe(before);
    writeFileSync(join(folder, 'cert.pem'), 'broken');
    await command.says(/The new certificate cannot be used, the old one stays/);
    await fingerprint(url);
  });
});

/** Sends a request, and tells the server's certificate apart. */
async function fingerprint(url: string): Promise<string> {
  const https = await import('node:https');
  const sent: ReturnType<typeof request> = https.get(url, { rejectUnauthorized: false, agent: false });
  const [response] = await once(sent, 'response');
  const { raw } = response.socket.getPeerCertificate();
  response.resume();
  await once(response, 'end');
  return createHash('sha256').update(raw).digest('hex');
}
