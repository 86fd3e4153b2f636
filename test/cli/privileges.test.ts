/** Workers of another user: what only root may read and write is still theirs, from the start to the end. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { Command, projectFolder, runCommand, writeFiles } from './command.ts';

vi.setConfig({ testTimeout: 60_000 });

const SUPPORT = join(import.meta.dirname, '../support/tls');
const read = (name: string): string => readFileSync(join(SUPPORT, name), 'utf8');

const APP = `export const app = (environ, startResponse) => {
  environ['wsgi.errors'].write('seen by ' + process.getuid() + ' \\u00e4\\n');
  startResponse('200 OK', []);
  return [String(process.getuid())];
};`;

const FLAGS = [
  ...['app.js', '-w', '2', '-p', '0', '--user', 'nobody', '--umask', '027'],
  ...['--cert', 'tls/cert.pem', '--key', 'tls/key.pem', '--pid', 'run/app.pid'],
  ...['--access-log-file', 'log/access.log', '--log-file', 'log/command.log'],
];

beforeEach((context) => {
  if (process.getuid?.() === 0) return;
  console.warn('Skipped: only root may change to another user');
  context.skip('only root may change to another user');
});

const eventually = (read: () => unknown) => expect.poll(read, { timeout: 20_000, interval: 50 });
const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);

/** Asks so often, by curl: each time on a connection of its own. */
function ask(url: string, count = 6): void {
  const uid = execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).trim();
  for (let index = 0; index < count; index += 1)
    expect(execFileSync('curl', ['-sk', url], { encoding: 'utf8' })).toBe(uid);
}

it('keys and log files of root are used, also after a reload, when logs are opened anew, and when the key changes', async () => {
  const folder = projectFolder({
    'app.js': APP,
    'tls/cert.pem': read('cert.pem'),
    'tls/key.pem': read('key.pem'),
  });
  chmodSync(folder, 0o755);
  for (const name of ['log', 'run']) mkdirSync(join(folder, name));
  for (const name of ['log', 'run', 'tls']) chmodSync(join(folder, name), 0o700);
  const command = new Command(FLAGS, { folder });
  const url = await command.url();
  await command.says(/Ctrl/);
  const access = join(folder, 'log/access.log');
  const log = join(folder, 'log/command.log');
  ask(url);
  await eventually(() => linesOf(access).length).toBe(6);
  await eventually(() => linesOf(log).filter((line) => /seen by \d+ ä/.test(line)).length).toBe(6);
  expect(statSync(access)).toMatchObject({ uid: 0, mode: 0o100640 });

  command.kill('SIGHUP');
  await eventually(() => readFileSync(log, 'utf8')).toContain('Reloaded: 2 new workers');
  ask(url);
  await eventually(() => linesOf(access).length).toBe(12);

  for (const path of [access, log]) renameSync(path, `${path}.1`);
  command.kill('SIGUSR1');
  await eventually(() => existsSync(access) && existsSync(log)).toBe(true);
  ask(url);
  await eventually(() => linesOf(access).length).toBe(6);
  await eventually(() => linesOf(log).filter((line) => line.includes('seen by')).length).toBe(6);
  expect(linesOf(`${access}.1`)).toHaveLength(12);

  writeFiles(folder, { 'tls/cert.pem': read('client-cert.pem'), 'tls/key.pem': read('client-key.pem') });
  await eventually(() => readFileSync(log, 'utf8')).toContain('The certificate was read anew');
  ask(url);

  // What the last requests have logged is written before the end.
  command.kill('SIGTERM');
  expect(await command.exit).toEqual({ code: 0, signal: null });
  expect(linesOf(access)).toHaveLength(12);
  expect(linesOf(`${log}.1`).concat(linesOf(log)).join('\n')).not.toMatch(/EACCES|loses lines/);
  expect(command.stderr).not.toMatch(/EACCES|loses lines/);
});

it('--check looks with the rights of a run: keys and logs as root, the application as the user', async () => {
  const folder = projectFolder({
    'app.js': `import { readFileSync } from 'node:fs';
      readFileSync('mine.txt');
      ${APP}`,
    'mine.txt': 'for the user',
    'tls/cert.pem': read('cert.pem'),
    'tls/key.pem': read('key.pem'),
  });
  chmodSync(folder, 0o755);
  for (const name of ['log', 'run']) mkdirSync(join(folder, name));
  for (const name of ['log', 'run', 'tls']) chmodSync(join(folder, name), 0o700);
  expect(await runCommand([...FLAGS, '--check'], { folder })).toMatchObject({
    code: 0,
    stdout: 'app.js:app is a gateway application, and can be served\n',
    stderr: '',
  });

  chmodSync(join(folder, 'mine.txt'), 0o600);
  const unreadable = await runCommand([...FLAGS, '--check'], { folder });
  expect(unreadable.code).not.toBe(0);
  expect(unreadable.stderr).toMatch(/EACCES.*mine\.txt/);

  const unknown = await runCommand(['app.js', '--user', 'nobody-of-this-name', '--check'], { folder });
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain('Workers cannot run as nobody-of-this-name');
});
