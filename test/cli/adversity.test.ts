/** What goes wrong around a server that runs: killed supervisors, readers that leave, full disks, signals of other servers. */
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { Command, HELLO, projectFolder } from './command.ts';

vi.setConfig({ testTimeout: 60_000 });

const SLOW = `import { setTimeout as delay } from 'node:timers/promises';
export async function app(environ, start) { await delay(1_500); start('200 OK', []); return ['late']; }`;

it('a killed supervisor loses no answer in flight', async () => {
  const folder = projectFolder({ 'app.js': SLOW });
  const command = new Command(['app.js', '-p', '0', '-w', '1'], { folder });
  const answer = fetch(await command.url());
  await new Promise((resolve) => setTimeout(resolve, 700));
  command.kill('SIGKILL');
  expect(await (await answer).text()).toBe('late');
});

it.each([[[]], [['-w', '1']]])(
  'serves on when readers of its standard streams leave, with %j',
  async (flags) => {
    const folder = projectFolder({ 'app.js': HELLO });
    const command = new Command(['app.js', '-p', '0', ...flags], { folder });
    const url = await command.url();
    command.child.stdout?.destroy();
    command.child.stderr?.destroy();
    for (let count = 0; count < 3; count += 1) expect((await fetch(url)).status).toBe(200);
    command.kill('SIGTERM');
    expect(await once(command.child, 'exit')).toEqual([0, null]);
  },
);

it('serves on when the folder of its log has gone, and says so', async () => {
  const folder = projectFolder({ 'app.js': HELLO });
  mkdirSync(join(folder, 'log'));
  const flags = [
    '-p',
    '0',
    '-w',
    '1',
    '--access-log-file',
    'log/access.log',
    '--log-file',
    'log/command.log',
  ];
  const command = new Command(['app.js', ...flags], { folder });
  const url = await command.url();
  rmSync(join(folder, 'log'), { recursive: true });
  command.kill('SIGUSR1');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await fetch(url)).status).toBe(200);
});

it.runIf(process.platform === 'linux')('tells of a full disk once', async () => {
  const folder = projectFolder({ 'app.js': HELLO });
  const command = new Command(['app.js', '-p', '0', '--access-log-file', '/dev/full'], { folder });
  const url = await command.url();
  await fetch(url);
  await command.says(/full loses lines: ENOSPC/);
  await fetch(url);
  command.kill('SIGTERM');
  await command.exit;
  expect(command.stderr.split('loses lines')).toHaveLength(2);
});

it.each([[[]], [['-w', '1']]])('outlives signals of other servers, with %j', async (flags) => {
  const folder = projectFolder({ 'app.js': HELLO });
  const command = new Command(['app.js', '-p', '0', ...flags], { folder });
  const url = await command.url();
  for (const signal of ['SIGTTOU', 'SIGUSR2', 'SIGTTIN'] as const) command.kill(signal);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await fetch(url)).status).toBe(200);
});
