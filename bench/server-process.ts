/** A server under measurement: a process of its own on a processor of its own, and gone when it is not needed any more. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pinned } from './processors.ts';
import type { Command, Usage } from './servers/program.ts';

const PROGRAM = join(import.meta.dirname, 'dist/servers/program.js');

export interface ServerProcess {
  readonly port: number;
  /** How long its modules took to load and it to listen, in milliseconds of the wall clock. */
  readonly loadTime: number;
  ask(command: Command): Promise<unknown>;
  usage(collectGarbage?: boolean): Promise<Usage>;
  stop(): Promise<void>;
}

/** What runs at the moment, so that nothing outlives an interrupted run. */
const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Keeps a process of the benchmark from outliving it. */
export function track(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

/**
 * Starts a server and waits until it listens.
 *
 * @param name The name of a server, as in servers/contenders.ts
 * @param node The binary of Node that runs it
 * @param flags Options of Node's
 */
export async function startServer(
  name: string,
  node: string,
  flags: readonly string[] = [],
): Promise<ServerProcess> {
  const [command, args] = pinned('server', [node, ...flags, PROGRAM, name]);
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  track(child);
  // What the program says first.
  const { port, milliseconds } = (await nextMessage(child, name)) as { port: number; milliseconds: number };
  const ask = async (request: Command): Promise<unknown> => {
    child.send(request);
    return nextMessage(child, name);
  };
  return {
    port,
    loadTime: milliseconds,
    ask,
    // The program answers this question with exactly that.
    usage: async (collectGarbage = false) => (await ask({ ask: 'usage', collectGarbage })) as Usage,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function nextMessage(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => {
      reject(new Error(`Server ${name} has ended with ${code}`));
    };
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}
