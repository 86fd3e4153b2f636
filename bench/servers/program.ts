/**
 * Runs one server in its own process: `node program.js NAME`. The parent sends commands over the channel.
 *
 * The process measures itself, because process.cpuUsage() counts all its threads in microseconds, and /proc counts in
 * hundredths of a second.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { CONTENDERS } from './contenders.ts';
import type { ProfileKind, Profiling } from './profiling.ts';

/** A command of the parent. */
export type Command =
  | { readonly ask: 'usage'; readonly collectGarbage?: boolean }
  /** Lets connections idle for so many milliseconds. */
  | { readonly ask: 'idle'; readonly milliseconds: number }
  | { readonly ask: 'profile'; readonly kind: ProfileKind }
  | { readonly ask: 'endProfile' };

/** The resources that the process uses. */
export interface Usage {
  /** User and system time of all threads, in microseconds. */
  readonly cpu: number;
  /** Resident memory, in octets. */
  readonly resident: number;
  /** Memory of JavaScript and of its buffers, in octets. */
  readonly heap: number;
  readonly connections: number;
  /** User and system time of each further process that serves, in microseconds. It is part of `cpu`. */
  readonly processes: readonly number[];
}

const name = process.argv[2] ?? '';
const load = CONTENDERS[name];
if (load === undefined) throw new RangeError(`Server must be one of ${Object.keys(CONTENDERS)}, not ${name}`);

let profiling: Profiling | undefined;
await settleTicks();
const begun = performance.now();
const { contender } = await load();
const server = await contender.listen();
const address = server.address();
if (address === null || typeof address === 'string') throw new TypeError('Server listens on no port');
process.send?.({ port: address.port, milliseconds: performance.now() - begun });

process.on('message', (command: Command) => {
  void answer(command).then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit());

async function answer(command: Command): Promise<unknown> {
  if (command.ask === 'profile') return (await loadProfiling()).start(command.kind);
  if (command.ask === 'endProfile') return (await loadProfiling()).stop();
  if (command.ask === 'idle') {
    Object.assign(server, { keepAliveTimeout: command.milliseconds });
    return true;
  }
  if (command.collectGarbage === true) await collectGarbage();
  return usage();
}

/**
 * Lets V8 compile `process.nextTick` before anything else has used it.
 *
 * V8 compiles it by the first ticks of a process. If these differ from later ones, each later call is slow for good
 * (Node 20 to 26). One line on the console, or one module more, decides about that, so a row would show the history of the
 * process and not the work of its server.
 */
async function settleTicks(): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    await new Promise<void>((resolve) => {
      let count = 0;
      const tick = (): void => {
        count += 1;
        if (count < 20_000) process.nextTick(tick);
        else resolve();
      };
      tick();
    });
  }
}

/** Loads the inspector on demand, because it is not part of a server. */
async function loadProfiling(): Promise<Profiling> {
  profiling ??= new (await import('./profiling.ts')).Profiling();
  return profiling;
}

/** Collects twice, with a pause: objects with finalizers are freed in the second. */
async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 2; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function usage(): Promise<Usage> {
  const connections = await new Promise<number>((resolve) => {
    server.getConnections((_error, count) => resolve(count));
  });
  const { user, system } = process.cpuUsage();
  const processes = (contender.pids?.() ?? []).map(timeOf);
  const others = processes.reduce((total, time) => total + time, 0);
  const { rss, heapUsed, external } = process.memoryUsage();
  return { cpu: user + system + others, resident: rss, heap: heapUsed + external, connections, processes };
}

/** The time of all threads of another process, in microseconds. */
function timeOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const times = readdirSync(folder).map((thread) => {
    // Nanoseconds on the processor, nanoseconds waiting for it, number of turns.
    return Number(readFileSync(`${folder}/${thread}/schedstat`, 'latin1').split(' ')[0]);
  });
  return times.reduce((total, time) => total + time, 0) / 1000;
}
