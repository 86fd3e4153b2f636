/** Connections that wait for a worker which dies: the supervisor keeps them, and SO_REUSEPORT loses them. */
import { createServer } from 'node:net';
import { expect, it, vi } from 'vitest';
import { Command, projectFolder } from './command.ts';

vi.setConfig({ testTimeout: 60_000 });

const APP = `
export function app(environ, startResponse) {
  if (environ.PATH_INFO === '/loop') for (;;);
  startResponse('200 OK', []);
  return [String(process.pid)];
}`;

const CLIENTS = 40;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Holds one of two workers up, lets clients connect, and kills it. Gives the number of clients without an answer. */
async function failuresOf(args: readonly string[]): Promise<number> {
  const folder = projectFolder({ 'app.js': APP });
  const port = String(await freePort());
  const command = new Command(['app.js', '-w', '2', '-p', port, '--no-access-log', ...args], { folder });
  const url = await command.url();
  const ask = async (path = ''): Promise<string> =>
    (await fetch(`${url}${path}`, { headers: { connection: 'close' } })).text();
  const pids = new Set<string>();
  while (pids.size < 2) pids.add(await ask());
  const held = ask('loop').catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const answers = Array.from({ length: CLIENTS }, () => ask().catch(() => 'lost'));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const answered = new Set<string>();
  for (let count = 0; count < 4; count += 1)
    answered.add(await Promise.race([ask().catch(() => 'lost'), late()]));
  // The one that answers nothing any more. Over SO_REUSEPORT the other may not be asked at all: its queue decides.
  const stuck = [...pids].filter((pid) => !answered.has(pid));
  for (const pid of stuck.slice(0, 1)) process.kill(Number(pid), 'SIGKILL');
  await held;
  return (await Promise.all(answers)).filter((answer) => answer === 'lost').length;
}

function late(): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve('late'), 300));
}

it('are served by another worker', async () => {
  expect(await failuresOf([])).toBe(0);
});

it('are lost with --reuse-port', async (context) => {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 24) {
    console.warn('Skipped: --reuse-port needs a later Node');
    context.skip('--reuse-port needs a later Node');
  }
  expect(await failuresOf(['--reuse-port'])).toBeGreaterThan(0);
});
