/** Measures what docs/scaling.md calculates with: the processor time of requests, connections and handshakes. Only in the tour. */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, type TestContext, vi } from 'vitest';
import { requirePeer } from '../support/peer.ts';
import { Command, HELLO, projectFolder } from './command.ts';

vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);
/** Seconds in which the code is compiled. */
const WARM_UP = 8;
const ROUNDS = 6;

const EXPRESS = `
import express from 'express';
const app = express();
app.get('/', (request, response) => response.send('Hello from express'));
export default app;
`;

/** The server has one processor, and the load another one. */
const SERVER = ['taskset', '-c', '0'];
const LOAD = ['taskset', '-c', '1'];

/** Microseconds of processor time that a process has used. The system counts in hundredths of a second. */
function timeOf(pid: number): number {
  const [user = 0, system = 0] =
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13).map(Number) ?? [];
  return (user + system) * 10_000;
}

function workersOf({ pid }: Command): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** Runs a load of some seconds, and tells how often it did its work by what it prints. */
async function loadFor(seconds: number, load: Load): Promise<number> {
  const [program = '', ...words] = [...LOAD, ...load.words(seconds)];
  const { stdout } = await run(program, words);
  const count = Number(load.pattern.exec(stdout)?.[1]);
  expect(count, stdout).toBeGreaterThan(0);
  return count;
}

/** Prints the processor time of each piece of work, of all processes: the least of some rounds, because others disturb. */
async function measure(title: string, command: Command, load: Load): Promise<void> {
  await loadFor(WARM_UP, load);
  const processes = [command.pid, ...workersOf(command)];
  const rounds: number[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = processes.map(timeOf);
    const count = await loadFor(1, load);
    rounds.push(processes.map((pid, index) => (timeOf(pid) - (before[index] ?? 0)) / count));
  }
  const least = rounds
    .map((times) => [times.reduce((sum, time) => sum + time), times] as const)
    .sort(([a], [b]) => a - b)[0];
  console.info(`${title}: ${least?.[1].map((time) => `${time.toFixed(1)} µs`).join(' + ')}`);
}

async function start(
  flags: readonly string[],
  files: Readonly<Record<string, string>>,
  packages: readonly string[] = [],
) {
  const folder = projectFolder(files, packages);
  const command = new Command(['app.js', '-p', '0', '--no-access-log', ...flags], { folder, within: SERVER });
  const url = await command.url();
  await command.says(/Ctrl/);
  return { command, url, folder };
}

/** A program that makes load, and how it tells its work. */
interface Load {
  words(seconds: number): readonly string[];
  readonly pattern: RegExp;
}

const wrk = (url: string, ...more: readonly string[]): Load => ({
  words: (seconds) => ['wrk', '-t', '1', '-c', '32', '-d', `${seconds}s`, ...more, url],
  pattern: /(\d+) requests in/,
});

const handshakes = (url: string, mode: string): Load => ({
  words: (seconds) => [
    ...['openssl', 's_time', '-connect', new URL(url).host, '-www', '/', mode, '-time', String(seconds)],
  ],
  pattern: /(\d+) connections in \d+ real/,
});

function needs(context: TestContext, ...names: readonly string[]): void {
  for (const name of names) requirePeer(context, name);
}

describe.runIf(process.env.TOUR === '1')('processor time', () => {
  it.for([
    ['a request of a gateway application', HELLO, []],
    ['a request of an Express app', EXPRESS, ['express']],
  ] as const)('of %s', async ([title, text, packages], context) => {
    needs(context, 'wrk', 'taskset');
    const { command, url } = await start([], { 'app.js': text }, packages);
    await measure(title, command, wrk(url));
    command.kill('SIGTERM');
    const log = await start(
      ['--access-log', '--access-log-file', 'access.log'],
      { 'app.js': text },
      packages,
    );
    await measure(`${title}, with an access log`, log.command, wrk(log.url));
  });

  it('of a short connection, in the supervisor and in its worker', async (context) => {
    needs(context, 'wrk', 'taskset');
    for (const flags of [['-w', '1'], []]) {
      const { command, url } = await start(flags, { 'app.js': HELLO });
      const title = `a short connection, ${flags.length > 0 ? 'supervisor + worker' : 'one process'}`;
      await measure(title, command, wrk(url, '-H', 'Connection: close'));
    }
  });

  it.for(['rsa:2048', 'ec'])('of a handshake with a key of %s', async (kind, context) => {
    needs(context, 'openssl', 'taskset');
    const files = { 'app.js': HELLO };
    const folder = projectFolder(files);
    const key = kind === 'ec' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['-newkey', kind];
    const out = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      ['req', '-x509', ...key, '-nodes', '-days', '2', '-subj', '/CN=localhost', ...out],
      { stdio: 'ignore' },
    );
    const certificate = ['--cert', join(folder, 'cert.pem'), '--key', join(folder, 'key.pem')];
    const { command, url } = await start([...certificate], files);
    for (const mode of ['-new', '-reuse'])
      await measure(`a connection over TLS, ${kind}, ${mode.slice(1)}`, command, handshakes(url, mode));
  });
});
