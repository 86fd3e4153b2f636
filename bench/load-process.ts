/** The processes of the load, on a processor of their own, and how long they waited for it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { programPath } from './installation.ts';
import { pinned, schedulingDelay } from './processors.ts';
import { track } from './server-process.ts';

/** Milliseconds. */
const WATCH_INTERVAL = 50;
/** Fewer pauses of the client's garbage collector, which would count as the server's. */
const FLAGS = ['--max-semi-space-size=64'];

/** Milliseconds that all loads so far were ready to run while others had their processor. */
let waited = 0;

/** Returns the milliseconds that all loads so far had to wait for their processor. */
export function waitingTime(): number {
  return waited;
}

/** Runs a command to its end, and returns what it prints. */
export async function runLoad(line: readonly string[]): Promise<string> {
  const [command, args] = pinned('load', line);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  track(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const [code] = await watching(child, once(child, 'close'));
  if (code !== 0) throw new Error(`Load has ended with ${code}\n${output}`);
  return output;
}

/** Runs one of our own clients, from loads/, and returns the figures that it prints. */
export async function runProgram(name: string, options: object): Promise<Record<string, number>> {
  return JSON.parse(await runLoad(lineOf(name, options)));
}

/** A client that keeps its connections, and answers each line of input with a line of figures. */
export interface StandingClient {
  /** The figures that it prints when all its connections are open. */
  readonly opened: Record<string, number>;
  ask(question: object): Promise<Record<string, number>>;
  end(): Promise<void>;
}

/** Starts one of our own clients, from loads/, and waits until its connections are open. */
export async function startClient(name: string, options: object): Promise<StandingClient> {
  const [command, args] = pinned('load', lineOf(name, options));
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  track(child);
  const ended = once(child, 'exit');
  const failed = ended.then(([code]) => {
    throw new Error(`Client ${name} has ended with ${code}`);
  });
  failed.catch(() => {});
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const read = async (): Promise<Record<string, number>> => {
    const { value } = await Promise.race([lines.next(), failed]);
    return JSON.parse(value ?? '{}');
  };
  const opened = await read();
  return {
    opened,
    ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return watching(child, read());
    },
    async end() {
      child.stdin.end();
      await ended;
    },
  };
}

function lineOf(name: string, options: object): string[] {
  return [process.execPath, ...FLAGS, programPath(`loads/${name}`), JSON.stringify(options)];
}

/** Adds what a process waits for its processor meanwhile. */
async function watching<T>(child: ChildProcess, action: Promise<T>): Promise<T> {
  const before = schedulingDelay(child.pid ?? 0);
  let delay = before;
  const watch = setInterval(() => {
    delay = Math.max(delay, schedulingDelay(child.pid ?? 0));
  }, WATCH_INTERVAL);
  try {
    return await action;
  } finally {
    clearInterval(watch);
    waited += delay - before;
  }
}
