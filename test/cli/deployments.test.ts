/** Releases that a link points to, servers that start at once in one place, and signals to a whole group of processes. */
import { existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Command, HELLO, projectFolder } from './command.ts';
import { LoadClients } from './load-clients.ts';

/** `npm run tour` sets TOUR; the suite has each case once. */
const isTour = process.env.TOUR === '1';
vi.setConfig({ testTimeout: isTour ? 300_000 : 60_000 });

const eventually = (read: () => unknown) => expect.poll(read, { timeout: 20_000, interval: 50 });
const textOf = async (url: string): Promise<string> =>
  (await fetch(url, { headers: { connection: 'close' } })).text();

describe('a link that each deployment points to another release', () => {
  const APP = `import { text } from './lib/text.js';
    export const app = (environ, startResponse) => { startResponse('200 OK', []); return [text]; };`;
  const release = (number: number): Record<string, string> => ({
    [`releases/${number}/app.js`]: APP,
    [`releases/${number}/lib/text.js`]: `export const text = 'release ${number}';`,
  });

  function point(folder: string, number: number): void {
    symlinkSync(`releases/${number}`, join(folder, 'next'));
    renameSync(join(folder, 'next'), join(folder, 'current'));
  }

  it.each([
    ['the current folder', (folder: string) => ({ file: 'app.js', env: { PWD: join(folder, 'current') } })],
    ['a part of the path', (folder: string) => ({ file: join(folder, 'current/app.js'), env: {} })],
  ])('as %s: HUP loads the new one, with the modules that it imports', async (_name, choose) => {
    const folder = projectFolder({ ...release(1), ...release(2), ...release(3) });
    point(folder, 1);
    const { file, env } = choose(folder);
    const isCurrent = file === 'app.js';
    // A shell that stands in the link has its name in PWD; the system knows the folder alone.
    const within = isCurrent ? ['sh', '-c', 'cd current && exec "$@"', 'sh'] : [];
    const command = new Command([file, '-w', '2', '-p', '0', '--no-access-log'], { folder, env, within });
    const url = await command.url();
    expect(await textOf(url)).toBe('release 1');
    const clients = new LoadClients({ port: Number(new URL(url).port) }, 4);
    for (const number of isTour ? [2, 3] : [2]) {
      point(folder, number);
      const since = command.stderr.length;
      command.kill('SIGHUP');
      await command.says(/Reloaded: 2 new workers/, since);
      await eventually(() => textOf(url)).toBe(`release ${number}`);
      // Tools of deployment remove old releases.
      rmSync(join(folder, `releases/${number - 1}`), { recursive: true });
    }
    expect((await clients.stop()).failures).toEqual([]);
  });
});

describe('several that start at once', () => {
  const COUNT = isTour ? 4 : 3;
  const ROUNDS = isTour ? 10 : 1;

  async function freePort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Leaves a socket behind, as a killed process does. */
  async function leaveSocket(path: string): Promise<void> {
    const server = createServer().listen(`${path}.old`);
    await new Promise((resolve) => server.once('listening', resolve));
    renameSync(`${path}.old`, path);
    await new Promise((resolve) => server.close(resolve));
  }

  it.each([
    ['on a unix socket that was left behind', 4, /Another process listens on unix:app\.sock/],
    ['on a port', 4, /Port \d+ is in use/],
    ['with a pid file that was left behind', 2, /app\.pid says that process \d+ runs already/],
  ])('%s: one of them serves', async (name, code, message) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const folder = projectFolder({ 'app.js': HELLO });
      const port = String(await freePort());
      const flags = name.includes('unix')
        ? ['-b', 'unix:app.sock']
        : name.includes('pid')
          ? ['-p', '0', '--pid', 'app.pid']
          : ['-p', port];
      if (name.includes('unix')) await leaveSocket(join(folder, 'app.sock'));
      // The id of no process.
      writeFileSync(join(folder, 'app.pid'), '4194305\n');
      const commands = Array.from(
        { length: COUNT },
        (_, index) => new Command(['app.js', ...flags, ...(index % 2 === 0 ? ['-w', '1'] : [])], { folder }),
      );
      const first = await Promise.all(
        commands.map((command) =>
          Promise.race([
            command.exit,
            command.says(/Ctrl/).then(
              () => command,
              () => command.exit,
            ),
          ]),
        ),
      );
      const serving = first.filter((one) => one instanceof Command);
      expect(commands.map(({ stderr }) => stderr).join(''), `round ${round}`).toMatch(message);
      expect(first.filter((one) => !(one instanceof Command))).toEqual(
        Array.from({ length: COUNT - 1 }, () => ({ code, signal: null })),
      );
      if (name.includes('pid'))
        expect(readFileSync(join(folder, 'app.pid'), 'utf8')).toBe(`${serving[0]?.pid}\n`);
      if (name.includes('unix')) {
        const clients = new LoadClients({ socketPath: join(folder, 'app.sock') }, 2);
        await clients.served(5);
        expect((await clients.stop()).failures).toEqual([]);
      }
      serving[0]?.kill('SIGTERM');
      await serving[0]?.exit;
      expect(existsSync(join(folder, 'app.sock'))).toBe(false);
    }
  });
});

describe('a signal to the whole group of processes, as systemd and shells send it', () => {
  it('stops the workers once, and not before the supervisor lets them', async () => {
    const folder = projectFolder({ 'app.js': HELLO });
    const flags = ['-w', '2', '-p', '0', '--no-access-log', '--drain-delay', '1s', '--drain-grace', '200ms'];
    // The command leads a group of its own.
    const command = new Command(['app.js', ...flags], { folder, within: ['setsid'] });
    const url = await command.url();
    await command.says(/Ctrl/);
    const clients = new LoadClients({ port: Number(new URL(url).port) }, 4);
    await clients.served(20);
    process.kill(-command.pid, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 600));
    // It is still time of --drain-delay.
    await clients.served(20);
    expect((await clients.stop()).failures).toEqual([]);
    expect(await command.exit).toEqual({ code: 0, signal: null });
    expect(command.stderr).not.toMatch(/another one|asked to end|crash|ended/);
  });

  it('also while workers start', async () => {
    const slow = `await new Promise((resolve) => setTimeout(resolve, 3_000)); ${HELLO}`;
    const command = new Command(['app.js', '-w', '2', '-p', '0', '--log-level', 'debug'], {
      folder: projectFolder({ 'app.js': slow }),
      within: ['setsid'],
    });
    await command.says(/Worker \d+ starts[\s\S]*Worker \d+ starts/);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    process.kill(-command.pid, 'SIGTERM');
    expect(await command.exit).toEqual({ code: 0, signal: null });
    expect(command.stderr).not.toMatch(/another one|gives up|SIGKILL/);
  });
});
