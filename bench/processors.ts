/** Assigns processors: one to the server, another to the load. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

type Role = 'server' | 'load';

interface Processors {
  /** The number of processors that this process may use. */
  readonly count: number;
  /** The processor of each role; undefined if they share. */
  readonly of: Readonly<Record<Role, number>> | undefined;
}

const TOLERATED_SHARE = 0.1;
const QUIET_MILLISECONDS = 300;
const STAT = '/proc/stat';
/** Microseconds of its unit of time, on every system that Node runs on. */
const TICK = 10_000;

let known: Processors | undefined;

function processors(): Processors {
  if (known === undefined) {
    const numbers =
      listNumbers('/proc/self/status', /^Cpus_allowed_list:\s*(.*)$/m) ?? cpus().map((_, n) => n);
    const [server = 0] = numbers;
    // Two threads of one core would take time from each other.
    const siblings =
      listNumbers(`/sys/devices/system/cpu/cpu${server}/topology/thread_siblings_list`, /.+/) ?? [];
    const load = numbers.find((number) => number !== server && !siblings.includes(number)) ?? numbers[1];
    const canPin = load !== undefined && spawnSync('taskset', ['--version']).status === 0;
    known = { count: numbers.length, of: canPin ? { server, load } : undefined };
  }
  return known;
}

/** Returns the command line that runs a command on the processor of its role. */
export function pinned(role: Role, command: readonly string[]): [command: string, args: string[]] {
  const { of } = processors();
  const [first = '', ...rest] = of === undefined ? command : ['taskset', '-c', String(of[role]), ...command];
  return [first, rest];
}

/** Describes the machine for the report. */
export function describeMachine(): string {
  const { count, of } = processors();
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const load = of === undefined ? 'server and load not bound to cores' : 'server and load on a core each';
  return `${model}, ${count} cores, ${load}`;
}

/** Lists reasons to doubt the figures, before anything is measured. */
export async function warnings(): Promise<string[]> {
  const found: string[] = [];
  if (processors().of === undefined)
    found.push('Servers and load share the processors: taskset or a second processor is missing');
  // Not the load average, which would count our own programs of a minute ago.
  const endWatch = watch('cpu');
  await sleep(QUIET_MILLISECONDS);
  const { busy, total } = endWatch();
  if (busy > total * TOLERATED_SHARE) {
    found.push(`Other programs use ${((busy / total) * 100).toFixed(0)} % of the processors`);
  }
  return found;
}

/**
 * Starts to watch the processor of the servers. The returned function takes the microseconds that the server used,
 * and returns the fraction that others used, from 0 to 1.
 */
export function watchServerProcessor(): (used: number) => number {
  const { of } = processors();
  const endWatch = watch(of === undefined ? 'cpu' : `cpu${of.server}`);
  return (used) => {
    const { busy, total } = endWatch();
    // A load on the same processors cannot be told from other programs.
    return of === undefined || total === 0 ? 0 : Math.max(0, busy - used / TICK) / total;
  };
}

/** Returns the milliseconds that a process was ready to run and did not: the longest wait of its threads. */
export function schedulingDelay(process: number): number {
  try {
    const folder = `/proc/${process}/task`;
    const delays = readdirSync(folder).map((thread) => {
      // Nanoseconds on the processor, nanoseconds waiting for it, number of turns.
      return Number(readFileSync(`${folder}/${thread}/schedstat`, 'latin1').split(' ')[1]);
    });
    return Math.max(...delays) / 1e6;
  } catch {
    // The process has just ended, or the system has no schedstat.
    return 0;
  }
}

/** In ticks. */
interface Times {
  readonly busy: number;
  readonly total: number;
}

/** Watches the time of a processor by its name in /proc/stat; `cpu` is all of them. */
function watch(name: string): () => Times {
  const before = readTimes(name);
  return () => {
    const after = readTimes(name);
    return { busy: after.busy - before.busy, total: after.total - before.total };
  };
}

/** Time of the hypervisor and of interrupts counts as busy; os.cpus() (Node 20 to 26) omits some of both. */
function readTimes(name: string): Times {
  const text = existsSync(STAT) ? readFileSync(STAT, 'latin1') : '';
  const [, figures = ''] = new RegExp(`^${name} +(.*)$`, 'm').exec(text) ?? [];
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, ...others] = figures.split(' ').map(Number);
  // Time of guests, the last two, is already in user and nice.
  const busy = user + nice + system + others.slice(0, 3).reduce((sum, ticks) => sum + ticks, 0);
  return { busy, total: busy + idle + wait };
}

/** Reads a list such as `0-3,8`; undefined if there is none, as on systems other than Linux. */
function listNumbers(path: string, pattern: RegExp): number[] | undefined {
  const text = existsSync(path) ? readFileSync(path, 'latin1') : '';
  const match = pattern.exec(text);
  return (match?.[1] ?? match?.[0])?.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
