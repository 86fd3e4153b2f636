/** Which processor does what: the server has one for itself, the load another. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';

type Role = 'server' | 'load';

const numbers = listProcessors();
const canPin = numbers.length > 1 && spawnSync('taskset', ['--version']).status === 0;

/** Makes a command run on the processor of its role. */
export function pinned(role: Role, command: readonly string[]): [command: string, args: string[]] {
  const processor = role === 'server' ? numbers[0] : numbers[1];
  const [first = '', ...rest] = canPin ? ['taskset', '-c', String(processor), ...command] : command;
  return [first, rest];
}

/** What a reader must know of the machine, and no more. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const load = canPin ? 'server and load on a core each' : 'server and load not bound to cores';
  return `${model}, ${numbers.length} cores, ${load}`;
}

/** Says what makes figures doubtful. */
export function warnings(): string[] {
  const found: string[] = [];
  if (!canPin) found.push('Servers and load share the processors: taskset or a second processor is missing');
  const [load = 0] = loadavg();
  if (load > 0.7) found.push(`Load average is ${load.toFixed(2)}: others use this machine`);
  return found;
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
