/** Workers: reload, crash, starvation and draining, under load. */
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Command, projectFolder, runCommand, writeFiles } from './command.ts';
import { LoadClients, type Place } from './load-clients.ts';

vi.setConfig({ testTimeout: 90_000 });

/** Starting a process takes seconds on a busy machine. */
const eventually = (read: () => unknown) => expect.poll(read, { timeout: 30_000, interval: 100 });

/** Tells its version and its process, and does what the path says. */
const appOf = (version: string): string => `
import { setTimeout as delay } from 'node:timers/promises';
export async function app(environ, startResponse) {
  const path = environ.PATH_INFO;
  if (path === '/crash') process.exit(7);
  if (path === '/loop') for (;;);
  if (path === '/slow') await delay(1_000);
  if (path === '/grow') globalThis.kept = Buffer.alloc(300_000_000, 1);
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return ['${version} ' + (path === '/pid' ? process.pid : environ['wsgi.multiprocess'])];
}
`;

function start(
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
): { command: Command; folder: string } {
  const folder = projectFolder({ 'app.js': appOf('one'), ...files });
  return {
    folder,
    command: new Command(['app.js', '--no-access-log', '--log-level', 'debug', ...args], { folder }),
  };
}

/** Waits for the end of the banner. */
async function placeOf(command: Command): Promise<Place & { readonly url: string }> {
  await command.says(/Ctrl\+C to stop/);
  const url = /http:\S+/.exec(command.stderr)?.[0] ?? '';
  return { port: Number(new URL(url).port), url };
}

async function pids(url: string, count = 12): Promise<Set<string>> {
  const answers = await Promise.all(
    Array.from({ length: count }, async () =>
      (await fetch(`${url}pid`, { headers: { connection: 'close' } })).text(),
    ),
  );
  return new Set(answers.map((answer) => answer.split(' ')[1] ?? ''));
}

describe('under load nothing fails', () => {
  it.each(['tcp', 'unix'])('when it reloads on SIGHUP, over %s', async (kind) => {
    const { command, folder } = start([
      '--workers',
      '2',
      '--bind',
      kind === 'tcp' ? '127.0.0.1:0' : 'unix:app.sock',
    ]);
    const place = kind === 'tcp' ? await placeOf(command) : { socketPath: join(folder, 'app.sock') };
    await command.says(/Ctrl\+C to stop/);
    const clients = new LoadClients(place);
    await clients.served(100);
    for (const version of ['two', 'three']) {
      writeFiles(folder, { 'app.js': appOf(version) });
      const since = command.stderr.length;
      command.kill('SIGHUP');
      await command.says(/Reloaded: 2 new workers/, since);
      await clients.served(100);
    }
    const { failures, contents } = await clients.stop();
    expect(failures).toEqual([]);
    expect([...contents]).toEqual(['one true', 'two true', 'three true']);
  });

  it('when the new code does not start: the old one goes on', async () => {
    const { command, folder } = start(['--workers', '2', '-p', '0']);
    const clients = new LoadClients(await placeOf(command));
    await clients.served(50);
    writeFiles(folder, { 'app.js': 'throw new Error("no database");' });
    command.kill('SIGHUP');
    await command.says(/The new code does not start; the old one goes on/);
    await clients.served(50);
    const { failures, contents } = await clients.stop();
    expect(failures).toEqual([]);
    expect([...contents]).toEqual(['one true']);
    expect(command.stderr).toContain('Error: no database');
  });

  it('when workers have served their requests', async () => {
    const { command } = start([
      '--workers',
      '2',
      '-p',
      '0',
      '--max-requests',
      '200',
      '--max-requests-jitter',
      '50',
    ]);
    const { url, ...place } = await placeOf(command);
    const before = await pids(url);
    const clients = new LoadClients(place);
    await command.says(/has served its requests[\s\S]*has served its requests/);
    await clients.served(100);
    expect((await clients.stop()).failures).toEqual([]);
    const kept = async (): Promise<string[]> => [...(await pids(url))].filter((pid) => before.has(pid));
    await eventually(kept).toEqual([]);
  });

  it('when it stops: what was asked is answered', async () => {
    const { command } = start(['--workers', '2', '-p', '0']);
    const { url } = await placeOf(command);
    const answers = Array.from({ length: 20 }, async () => (await fetch(`${url}slow`)).text());
    await new Promise((resolve) => setTimeout(resolve, 300));
    command.kill('SIGTERM');
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['one true']));
    expect(await command.exit).toEqual({ code: 0, signal: null });
  });

  it('when the number of workers changes', async () => {
    const { command } = start(['--workers', '1', '-p', '0']);
    const { url, ...place } = await placeOf(command);
    const clients = new LoadClients(place);
    command.kill('SIGTTIN');
    await command.says(/1 → 2 workers/);
    await eventually(async () => (await pids(url)).size).toBe(2);
    command.kill('SIGTTOU');
    await command.says(/2 → 1 workers/);
    await eventually(async () => (await pids(url)).size).toBe(1);
    expect((await clients.stop()).failures).toEqual([]);
  });
});

describe('a worker that ends', () => {
  it('is replaced; only what was on its connections is lost, and no connection is refused with one worker', async () => {
    const { command } = start(['--workers', '1', '-p', '0']);
    const { url, ...place } = await placeOf(command);
    const [pid = ''] = await pids(url);
    const clients = new LoadClients(place, 4);
    await clients.served(50);
    process.kill(Number(pid), 'SIGKILL');
    await command.says(/ended by SIGKILL; another one starts/);
    await clients.served(50);
    const { failures } = await clients.stop();
    // Four clients have one request each under way.
    expect(failures.length).toBeLessThanOrEqual(4);
    expect(failures.filter((failure) => failure.includes('ECONNREFUSED'))).toEqual([]);
  });

  it('that is stuck in a loop is found and replaced, and the others serve on', async () => {
    const { command } = start(['--workers', '2', '-p', '0', '--worker-timeout', '4s']);
    const { url, ...place } = await placeOf(command);
    const stuck = fetch(`${url}loop`).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const clients = new LoadClients(place, 4);
    await command.says(/is stuck: its event loop has not turned for 4 s/);
    await command.says(/ended by SIGKILL/);
    await stuck;
    await eventually(async () => (await pids(url)).size).toBe(2);
    await clients.served(50);
    // One connection may have been on its way to it.
    expect((await clients.stop()).failures.length).toBeLessThanOrEqual(1);
  });

  it('that holds too much memory is replaced', async () => {
    const { command } = start(['--workers', '1', '-p', '0', '--max-memory', '250m']);
    const { url } = await placeOf(command);
    const before = await pids(url);
    await fetch(`${url}grow`);
    await command.says(/holds \d+ MiB of memory; another one takes its place/);
    await eventually(async () => [...(await pids(url, 3))].some((pid) => before.has(pid))).toBe(false);
  });

  it('is not started for ever', async () => {
    const { command } = start(['--workers', '1', '-p', '0', '--max-crashes', '3']);
    const { url } = await placeOf(command);
    for (let count = 0; count < 3; count += 1) {
      await fetch(`${url}crash`).catch(() => undefined);
      await command.says(
        count < 2 ? /ended with code 7; another one starts/ : /3 crashes in a row, gives up/,
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await command.exit).toEqual({ code: 1, signal: null });
  });

  it('by SIGTERM of its own is replaced, and loses nothing', async () => {
    const { command } = start(['--workers', '2', '-p', '0']);
    const { url, ...place } = await placeOf(command);
    const [pid = ''] = await pids(url);
    const clients = new LoadClients(place);
    await clients.served(20);
    process.kill(Number(pid), 'SIGTERM');
    await command.says(/another one takes its place/);
    await eventually(async () => (await pids(url)).has(pid)).toBe(false);
    expect((await clients.stop()).failures).toEqual([]);
  });
});

describe('the supervisor', () => {
  it('ends with the code of an application that does not load', async () => {
    const folder = projectFolder({ 'app.js': 'throw new Error("no database");' });
    const done = await runCommand(['app.js', '--workers', '2', '-p', '0'], { folder });
    expect(done).toMatchObject({ code: 3, signal: null });
    expect(done.stderr).toContain('Error: no database');
    expect(done.stderr).not.toContain('listen ');
  });

  it('leaves no worker behind when it is killed', async () => {
    const { command } = start(['--workers', '2', '-p', '0']);
    const { url } = await placeOf(command);
    const workers = await pids(url);
    expect(workers.size).toBe(2);
    command.kill('SIGKILL');
    await eventually(() => [...workers].filter(isAlive)).toEqual([]);
  });

  it('stops at once on a second signal', async () => {
    const { command } = start(['--workers', '2', '-p', '0']);
    const { url } = await placeOf(command);
    const lost = fetch(`${url}loop`).catch(() => 'lost');
    await new Promise((resolve) => setTimeout(resolve, 100));
    command.kill('SIGINT');
    await command.says(/a second signal forces/);
    command.kill('SIGINT');
    expect(await command.exit).toEqual({ code: 1, signal: null });
    expect(await lost).toBe('lost');
  });

  it('opens log files anew in all workers', async () => {
    const folder = projectFolder({ 'app.js': appOf('one') });
    const command = new Command(['app.js', '-w', '2', '-p', '0', '--access-log-file', 'a.log'], { folder });
    await command.says(/Ctrl/);
    const url = await command.url();
    const { renameSync } = await import('node:fs');
    renameSync(join(folder, 'a.log'), join(folder, 'old.log'));
    command.kill('SIGUSR1');
    await eventually(() => existsSync(join(folder, 'a.log'))).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await pids(url);
    await eventually(() => readFileSync(join(folder, 'a.log'), 'utf8').trim().split('\n').length).toBe(12);
    expect(readFileSync(join(folder, 'old.log'), 'utf8')).toBe('');
  });
});

describe('workers', () => {
  it('serve HTTPS, and WebSockets by the export upgrade', async () => {
    const upgrade = `
      import { WebSocketServer } from 'ws';
      const sockets = new WebSocketServer({ noServer: true });
      export function upgrade(request, socket, head) {
        sockets.handleUpgrade(request, socket, head, (client) => client.send('Hello ' + request.url));
      }`;
    const folder = projectFolder({ 'app.js': `${appOf('one')}${upgrade}` }, ['ws']);
    for (const name of ['cert', 'key'])
      writeFiles(folder, {
        [`${name}.pem`]: readFileSync(join(import.meta.dirname, `../support/tls/${name}.pem`), 'utf8'),
      });
    const command = new Command(['app.js', '-w', '2', '-p', '0', '--cert', 'cert.pem', '--key', 'key.pem'], {
      folder,
    });
    const url = await command.url();
    expect(url).toMatch(/^https:/);
    const sent = get(url, { rejectUnauthorized: false, agent: false });
    const [response] = await once(sent, 'response');
    expect((await response.toArray()).join('')).toBe('one true');
    const client = new WebSocket(`${url.replace('https', 'wss')}chat`, { rejectUnauthorized: false });
    const [message] = await once(client, 'message');
    expect(String(message)).toBe('Hello /chat');
    client.close();
    command.kill('SIGTERM');
    expect(await command.exit).toEqual({ code: 0, signal: null });
  });

  it('read a changed config file on SIGHUP, and the supervisor too', async () => {
    const config = (workers: number, word: string): string =>
      `export default { app: 'app.js', workers: ${workers}, rootPath: '/${word}' };`;
    const app = `export const app = (e, s) => { s('200 OK', []); return ['x ' + (e.PATH_INFO === '/pid' ? process.pid : e.SCRIPT_NAME)]; };`;
    const folder = projectFolder({ 'app.js': app, 'gatebridge.config.js': config(1, 'one') });
    const command = new Command(['-p', '0'], { folder });
    const url = await command.url();
    expect(await (await fetch(url)).text()).toBe('x /one');
    writeFiles(folder, { 'gatebridge.config.js': config(2, 'two') });
    command.kill('SIGHUP');
    await command.says(/Reloaded: 2 new workers/);
    await eventually(async () => (await pids(url)).size).toBe(2);
    await eventually(async () => (await fetch(url)).text()).toBe('x /two');
    writeFiles(folder, { 'gatebridge.config.js': 'export default { wokers: 1 };' });
    command.kill('SIGHUP');
    await command.says(/The settings stay as they are: .*unknown key wokers/);
    await command.says(/The new code does not start; the old one goes on/);
    expect(await (await fetch(url)).text()).toBe('x /two');
  });

  it('run as another user', async (context) => {
    if (process.getuid?.() !== 0) {
      console.warn('Skipped: only root may change to another user');
      context.skip('only root may change to another user');
    }
    const app = `export const app = (e, s) => { s('200 OK', []); return [[process.getuid(), process.getgid(), process.getgroups()].join(' ')]; };`;
    const folder = projectFolder({ 'app.js': app });
    chmodSync(folder, 0o755);
    const command = new Command(['app.js', '-p', '0', '--user', 'nobody'], { folder });
    const [uid, gid, groups] = (await (await fetch(await command.url())).text()).split(' ');
    expect(uid).not.toBe('0');
    expect(gid).not.toBe('0');
    expect(groups).toBe(gid);
    const wrong = await runCommand(['app.js', '-p', '0', '--user', 'no-such-user'], { folder });
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Workers cannot run as no-such-user'),
    });
  });
});

describe('--reload', () => {
  it('loads the application anew when a file changes, also one below, and waits when it is broken', async () => {
    const files = {
      'app.js': `import { text } from './lib/text.js'; export const app = (e, s) => { s('200 OK', []); return [text]; };`,
      'lib/text.js': `export const text = 'one';`,
    };
    const folder = projectFolder(files);
    const command = new Command(['app.js', '--reload', '-p', '0'], { folder });
    const url = await command.url();
    const answer = async (): Promise<string> => (await fetch(url)).text();
    expect(await answer()).toBe('one');
    writeFiles(folder, { 'lib/text.js': `export const text = 'two';` });
    await command.says(/lib\/text\.js has changed/);
    await eventually(answer).toBe('two');
    writeFiles(folder, { 'lib/text.js': 'export const' });
    await command.says(/The new code does not start; the old one goes on/);
    expect(await answer()).toBe('two');
    writeFiles(folder, { 'lib/text.js': `export const text = 'three';` });
    await eventually(answer).toBe('three');
  });

  it('waits for a change when the application does not start at all', async () => {
    const folder = projectFolder({ 'app.js': 'throw new Error("not yet");' });
    const command = new Command(['app.js', '--reload', '-p', '0'], { folder });
    await command.says(/a change of its files starts it again/);
    writeFiles(folder, { 'app.js': appOf('one') });
    const url = await command.url();
    expect(await (await fetch(url)).text()).toBe('one true');
  });
});

function isAlive(pid: string): boolean {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}
