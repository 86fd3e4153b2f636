/** Starts program.ts, and asks it for reports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Report } from './program.ts';

/** The hosts of program.ts. */
export const HOSTS = ['standalone', 'node', 'express', 'fastify'] as const;

/** A host in its own process. */
export interface HostProcess {
  readonly mount: string;
  connect(): Socket;
  report(): Promise<Report>;
  stop(): Promise<void>;
}

/** Starts a host. */
export async function startHost(name: (typeof HOSTS)[number]): Promise<HostProcess> {
  const program = join(import.meta.dirname, 'program.ts');
  const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', program, name], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { port, mount } = await ask<{ port: number; mount: string }>(child);
  return {
    mount,
    connect: () => connect(port, '127.0.0.1').on('error', () => {}),
    report: () => ask<Report>(child, 'report'),
    async stop() {
      child.send('stop');
      await once(child, 'exit');
    },
  };
}

async function ask<T>(child: ChildProcess, question?: string): Promise<T> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`Host ended with ${code}`);
  });
  const answered = once(child, 'message', { signal });
  if (question !== undefined) child.send(question);
  try {
    const [answer] = await Promise.race([answered, ended]);
    return answer;
  } finally {
    answered.catch(() => {});
    ended.catch(() => {});
    settled.abort();
  }
}
