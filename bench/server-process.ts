/** A server under measurement: a process of its own on a processor of its own, and gone when it is not needed any more. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { programPath } from './installation.ts';
import { pinned } from './processors.ts';
import type { Command, Usage } from './servers/program.ts';

export interface ServerProcess {
  readonly name: string;
  readonly port: number;
  /** How long its modules took to load and it to listen, in milliseconds of the wall clock. */
  readonly loadTime: number;
  ask(command: Command): Promise<unknown>;
  usage(collectGarbage?: boolean): Promise<Usage>;
  /**
   * Waits for something that needs the server.
   *
   * @throws Error as soon as the server ends
   */
  during<T>(something: Promise<T>): Promise<T>;
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
  const [command, args] = pinned('server', [node, ...flags, programPath('servers/program'), name]);
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  track(child);
  const ended = rejectAtEnd(child, name);
  const during = <T>(something: Promise<T>): Promise<T> => Promise.race([something, ended]);
  const nextMessage = async (): Promise<unknown> => (await during(once(child, 'message')))[0];
  // What the program says first.
  const { port, milliseconds } = (await nextMessage()) as { port: number; milliseconds: number };
  const ask = (request: Command): Promise<unknown> => {
    if (child.connected) child.send(request);
    return nextMessage();
  };
  return {
    name,
    port,
    loadTime: milliseconds,
    ask,
    // The program answers this question with exactly that.
    usage: async (collectGarbage = false) => (await ask({ ask: 'usage', collectGarbage })) as Usage,
    during,
    async stop() {
      child.kill('SIGKILL');
      await ended.catch(() => {});
    },
  };
}

/** A server ends when it is stopped; before that it is a fault, of which its own words tell more. */
function rejectAtEnd(child: ChildProcess, name: string): Promise<never> {
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`Server ${name} has ended with ${code ?? signal}`);
  });
  // Nobody may be waiting.
  ended.catch(() => {});
  return ended;
}
