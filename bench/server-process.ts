/** A server under measurement: its own process on its own processor, which never outlives the benchmark. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readServerName } from './checkouts.ts';
import { engineOf } from './engines.ts';
import { serverCommand } from './installation.ts';
import { pinned } from './processors.ts';
import type { Command, Usage } from './servers/program.ts';

export interface ServerProcess {
  readonly name: string;
  readonly port: number;
  /** Milliseconds of the wall clock until its modules were loaded and it listened. */
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

/** The running children, so that none outlives an interrupted run. */
const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Kills a child when the benchmark exits. */
export function track(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

/**
 * Starts a server and waits until it listens.
 *
 * @param name The name of a server, as in servers/contenders.ts, or as `ofOther` gives it
 * @param node The binary of Node that runs it
 * @param flags Options for Node
 */
export async function startServer(
  name: string,
  node: string,
  flags: readonly string[] = [],
): Promise<ServerProcess> {
  const engine = engineOf(readServerName(name).contender);
  const runner = engine === undefined ? [node, ...flags] : [engine.program, ...engine.run];
  const [command, args] = pinned('server', [...runner, ...serverCommand(name)]);
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  track(child);
  const ended = rejectAtEnd(child, name);
  const during = <T>(something: Promise<T>): Promise<T> => Promise.race([something, ended]);
  const nextMessage = async (): Promise<unknown> => (await during(once(child, 'message')))[0];
  // The first message of the program.
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
    // The program answers this command with that type.
    usage: async (collectGarbage = false) => (await ask({ ask: 'usage', collectGarbage })) as Usage,
    during,
    async stop() {
      child.kill('SIGKILL');
      await ended.catch(() => {});
    },
  };
}

/** Rejects when the server ends. Before `stop()` that is a fault, and the server's own output tells more. */
function rejectAtEnd(child: ChildProcess, name: string): Promise<never> {
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`Server ${name} has ended with ${code ?? signal}`);
  });
  // No unhandled rejection if nothing waits.
  ended.catch(() => {});
  return ended;
}
