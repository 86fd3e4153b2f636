/** Many connections: what each of them costs, and that nothing of them stays. `npm run tour` has the figures of docs/scaling.md. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Command, projectFolder } from './command.ts';

const isTour = process.env.TOUR === '1';
const HELD = isTour ? 10_000 : 400;
const SHORT = isTour ? 100_000 : 2_000;
vi.setConfig({ testTimeout: isTour ? 300_000 : 60_000 });

const PROGRAM = join(import.meta.dirname, 'connections-program.ts');
const TSX = join(import.meta.dirname, '../../node_modules/tsx/dist/loader.mjs');

/** In front of a program: it may open as many files as the system lets it. */
const UNLIMITED = ['sh', '-c', 'ulimit -n "$(ulimit -Hn)" && exec "$@"', 'sh'];

interface Counts {
  readonly open: number;
  readonly answered: number;
  readonly failed: number;
}

/** Clients of connections-program.ts. */
class Clients {
  counts: Counts = { open: 0, answered: 0, failed: 0 };
  readonly #child: ChildProcess;
  readonly ended: Promise<unknown>;

  constructor(port: string, mode: 'hold' | 'short', count: number) {
    const [program = '', ...words] = [...UNLIMITED, process.execPath, '--import', TSX, PROGRAM];
    const child = spawn(program, [...words, port, mode, String(count)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface(child.stdout).on('line', (line) => {
      // The program writes it.
      this.counts = JSON.parse(line) as Counts;
    });
    this.#child = child;
    this.ended = once(child, 'close');
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.ended;
  }
}

/** A process: its open files, and its memory in KiB. */
interface Load {
  readonly files: number;
  readonly memory: number;
}

function loadOf(pid: number): Load {
  const [, memory = ''] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return { files: readdirSync(`/proc/${pid}/fd`).length, memory: Number(memory) };
}

/** The supervisor first, then its workers. */
function loads({ pid }: Command): [supervisor: Load, ...workers: Load[]] {
  const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return [loadOf(pid), ...workers.map((worker) => loadOf(Number(worker)))];
}

/** Collects garbage where it is asked to, so that memory can be compared. */
const APP = `export function app(environ, startResponse) {
  if (environ.PATH_INFO === '/collect') gc();
  startResponse('200 OK', []);
  const { heapUsed, external } = process.memoryUsage();
  return [process.pid + ' ' + Math.round((heapUsed + external) / 1024)];
}`;

/** Lets both workers collect garbage, and gives the KiB that V8 and node then use in them. */
async function collect(port: string): Promise<number> {
  const used = new Map<string, number>();
  while (used.size < 2) {
    const answer = await fetch(`http://127.0.0.1:${port}/collect`, { headers: { connection: 'close' } });
    const [pid = '', size] = (await answer.text()).split(' ');
    used.set(pid, Number(size));
  }
  await delay(500);
  return [...used.values()].reduce((sum, size) => sum + size);
}

/** @param warmUp Connections that compile the code, and fill what is kept for all */
async function start(warmUp: number): Promise<{ command: Command; port: string }> {
  const folder = projectFolder({ 'app.js': APP });
  const flags = ['-w', '2', '-p', '0', '--no-access-log', '--keep-alive-timeout', '10m'];
  const command = new Command(['app.js', ...flags], { folder, within: UNLIMITED, node: ['--expose-gc'] });
  const port = new URL(await command.url()).port;
  await command.says(/Ctrl/);
  const first = new Clients(port, 'short', warmUp);
  await first.ended;
  expect(first.counts.failed).toBe(0);
  return { command, port };
}

const totalOf = (workers: readonly Load[]): number => workers.reduce((sum, { memory }) => sum + memory, 0);
const filesOf = (command: Command): number[] => loads(command).map(({ files }) => files);
const eventually = (read: () => unknown) => expect.poll(read, { timeout: 120_000, interval: 100 });

describe.runIf(process.platform === 'linux')('connections', () => {
  it('that are kept cost a little memory each, and are served whenever they are used', async () => {
    const { command, port } = await start(1_000);
    const usedBefore = await collect(port);
    const before = loads(command);
    const clients = new Clients(port, 'hold', HELD);
    await eventually(() => clients.counts.open).toBe(HELD);
    // Each is used once more.
    await eventually(() => clients.counts.answered).toBeGreaterThan(HELD);
    const each = ((await collect(port)) - usedBefore) / HELD;
    const [supervisor, ...workers] = loads(command);
    const resident = (totalOf(workers) - totalOf(before.slice(1))) / HELD;
    console.info(
      `${HELD} kept connections: ${each.toFixed(1)} KiB each in the workers (${resident.toFixed(1)} resident); the supervisor has grown by ${supervisor.memory - before[0].memory} KiB`,
    );
    expect(clients.counts).toMatchObject({ open: HELD, failed: 0 });
    expect(workers.reduce((sum, { files }) => sum + files, 0)).toBeGreaterThanOrEqual(HELD);
    // The supervisor has given all of them away.
    expect(supervisor.files).toBe(before[0].files);
    expect(each).toBeLessThan(24);
    await clients.end();
    await eventually(() => filesOf(command)).toEqual(before.map(({ files }) => files));
  });

  it('that are short leave nothing behind in any process', async () => {
    const { command, port } = await start(isTour ? 20_000 : 500);
    await delay(500);
    const before = loads(command);
    const began = performance.now();
    const clients = new Clients(port, 'short', SHORT);
    await clients.ended;
    const seconds = (performance.now() - began) / 1_000;
    expect(clients.counts).toEqual({ open: 0, answered: SHORT, failed: 0 });
    await eventually(() => filesOf(command)).toEqual(before.map(({ files }) => files));
    const [supervisor] = loads(command);
    const growth = supervisor.memory - before[0].memory;
    console.info(
      `${SHORT} short connections in ${seconds.toFixed(1)} s: the supervisor has grown by ${growth} KiB`,
    );
    if (isTour) expect(growth).toBeLessThan(16_384);
  });
});
