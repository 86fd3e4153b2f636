/** The showcase, started as `npm start` does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Showcase {
  readonly child: ChildProcess;
  readonly url: string;
  /** What it has written to standard error and standard output so far. */
  readonly errors: () => string;
  readonly output: () => string;
}

/** Starts it, and rejects with what it wrote if it ends instead. */
export async function startShowcase(variables: Readonly<Record<string, string>>): Promise<Showcase> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'examples/showcase/main.ts'], {
    cwd: join(import.meta.dirname, '../..'),
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = new Promise((resolve) => {
    child.once('close', resolve);
  });
  let errors = '';
  let output = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  child.stdout.on('data', (data) => {
    output += data;
  });
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\/\/\S+\//.exec(line)?.[0];
    if (url !== undefined) {
      child.stdout.resume();
      return { child, url, errors: () => errors, output: () => output };
    }
  }
  throw new Error(`The showcase ended with ${await closed}: ${errors}`);
}
