/** Which processor does what: the server has one for itself, the load another. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

type Role = 'server' | 'load';

const TOLERATED_SHARE = 0.1;
const QUIET_MILLISECONDS = 300;

let known: { readonly numbers: readonly number[]; readonly canPin: boolean } | undefined;

function processors(): typeof known & object {
  if (known === undefined) {
    const numbers = listProcessors();
    known = { numbers, canPin: numbers.length > 1 && spawnSync('taskset', ['--version']).status === 0 };
  }
  return known;
}

/** Makes a command run on the processor of its role. */
export function pinned(role: Role, command: readonly string[]): [command: string, args: string[]] {
  const { numbers, canPin } = processors();
  const processor = role === 'server' ? numbers[0] : numbers[1];
  const [first = '', ...rest] = canPin ? ['taskset', '-c', String(processor), ...command] : command;
  return [first, rest];
}

/** What a reader must know of the machine, and no more. */
export function describeMachine(): string {
  const { numbers, canPin } = processors();
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const load = canPin ? 'server and load on a core each' : 'server and load not bound to cores';
  return `${model}, ${numbers.length} cores, ${load}`;
}

/** Says what makes figures doubtful. To be called when nothing of the benchmark runs. */
export async function warnings(): Promise<string[]> {
  const found: string[] = [];
  if (!processors().canPin)
    found.push('Servers and load share the processors: taskset or a second processor is missing');
  const share = await otherShare();
  if (share > TOLERATED_SHARE) {
    found.push(`Other programs use ${(share * 100).toFixed(0)} % of the processors, or did at times`);
  }
  return found;
}

/** How busy the processors are with what is not ours, from 0 to 1. The load average would count our own programs. */
async function otherShare(): Promise<number> {
  const before = processorTimes();
  await sleep(QUIET_MILLISECONDS);
  const after = processorTimes();
  return 1 - (after.idle - before.idle) / (after.total - before.total);
}

function processorTimes(): { idle: number; total: number } {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.idle + times.user + times.sys + times.nice + times.irq;
  }
  return { idle, total };
}

/** Those that this process may use: a container may have some of many. */
function listProcessors(): number[] {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'latin1') : '';
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1];
  if (list === undefined) return cpus().map((_, index) => index);
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
