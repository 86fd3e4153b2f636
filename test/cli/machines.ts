/**
 * Several machines on one: network namespaces joined by a switch, for tests of more than one host.
 *
 * They live in a laboratory with process ids, mounts and a network of its own. Its first process ends with the pipe that this
 * process holds; the kernel then kills all others, and removes namespaces, links and mounts. So nothing stays, however a test ends.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { onTestFinished, type TestContext } from 'vitest';
import { requirePeer } from '../support/peer.ts';

/** The first process of a laboratory: makes a namespace of each name and address, then waits for the end of its input. */
const BUILD = `
set -e
mount -t tmpfs none /run
mkdir /run/netns
ip link add switch type bridge
ip link set switch up
while [ $# -gt 0 ]; do
  ip netns add "$1"
  ip link add "$1" type veth peer name eth0 netns "$1"
  ip link set "$1" master switch up
  ip -n "$1" address add "$2/24" dev eth0
  ip -n "$1" link set eth0 up
  ip -n "$1" link set lo up
  shift 2
done
echo built
exec cat
`;

/** Machines by name, which reach one another. */
export class Laboratory {
  readonly #first: number;

  private constructor(first: number) {
    this.#first = first;
  }

  /**
   * Makes machines. They are gone when the test is over. Skips the test where they cannot be made; CI as root must be able to.
   *
   * @param addresses The address of each machine, by its name
   */
  static async build(context: TestContext, addresses: Readonly<Record<string, string>>): Promise<Laboratory> {
    const programs = ['ip', 'unshare', 'nsenter'].map((name) => requirePeer(context, name));
    if (process.getuid?.() !== 0 || programs.length === 0) {
      console.warn(`Skipped ${context.task.name}: only root makes network namespaces`);
      context.skip('only root makes network namespaces');
    }
    const flags = ['--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc'];
    const child = spawn('unshare', [...flags, 'sh', '-c', BUILD, 'sh', ...Object.entries(addresses).flat()]);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    const ended = once(child, 'close');
    onTestFinished(async () => {
      child.stdin.end();
      await ended;
    });
    while (!said.includes('built\n')) {
      if (child.exitCode !== null) throw new Error(`The machines could not be made: ${said}`);
      await delay(5);
    }
    return new Laboratory(childOf(child));
  }

  /** Gives the words that run a program on a machine, in front of that program. */
  on(machine: string, folder = '/'): string[] {
    return [...this.#within('ip', 'netns', 'exec', machine, 'sh', '-c', 'cd "$0" && exec "$@"', folder)];
  }

  /** Ends all processes of a machine at once. */
  async kill(machine: string): Promise<void> {
    await this.#run('sh', '-c', `kill -KILL $(ip netns pids ${machine})`);
  }

  /** Pulls or plugs the cable of a machine. */
  async setLink(machine: string, state: 'up' | 'down'): Promise<void> {
    await this.#run('ip', 'link', 'set', machine, state);
  }

  #within(...words: readonly string[]): string[] {
    return ['nsenter', '--target', String(this.#first), '--mount', '--pid', '--net', ...words];
  }

  async #run(...words: readonly string[]): Promise<void> {
    const [program = '', ...args] = this.#within(...words);
    await promisify(execFile)(program, args);
  }
}

/** Sends a signal to a program that runs on a machine. Its parent is on this one, and does not pass signals on. */
export function signal(child: ChildProcess, name: NodeJS.Signals): void {
  process.kill(childOf(child), name);
}

/** Gives the id of the only child of a process. */
function childOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}
