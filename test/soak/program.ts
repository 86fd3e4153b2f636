/** Starts a program of the soak as a child process, asks it, and stops it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Program {
  /** Sends a question and waits for the answer; without a question, waits for the first message. */
  ask<Answer>(question?: string): Promise<Answer>;
  stop(): Promise<void>;
}

/** Milliseconds until a program that was asked to stop is killed. */
const STOP_TIMEOUT = 10_000;

export function startProgram(name: string): Program {
  const file = join(import.meta.dirname, name);
  const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', file], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return {
    ask: (question) => ask(child, question),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
      if (child.connected) child.send('stop');
      await exit;
      clearTimeout(killer);
    },
  };
}

function ask<Answer>(child: ChildProcess, question: string | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => {
      child.off('message', onMessage);
      reject(new Error(`A program of the soak ended with ${code}`));
    };
    const onMessage = (answer: Answer): void => {
      child.off('exit', onExit);
      resolve(answer);
    };
    child.once('exit', onExit);
    child.once('message', onMessage);
    if (question === undefined) return;
    child.send(question, (error) => {
      if (error !== null) reject(error);
    });
  });
}
