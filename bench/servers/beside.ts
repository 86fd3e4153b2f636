/** Programs that serve beside a server of the benchmark, and what is left of it: all end with this process, also if that is killed. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOn } from './contender.ts';

/** Finds a free port, for a program that cannot choose one itself. */
export async function findPort(): Promise<number> {
  const probe = await listenOn(createServer());
  // A TCP server has such an address.
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Waits until a program listens on a port. */
export async function untilAnswered(port: number): Promise<void> {
  while (!(await answers(port))) await sleep(50);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.end());
  });
}

/** Runs a command that does not go to the background, and gives its process id. `cleanUp` is a command for its end. */
export async function runBeside(command: string, cleanUp = ''): Promise<number> {
  const shell = watch(`${command} & echo $!; read -r end; kill $!; wait; ${cleanUp}`);
  return Number(await new Promise((resolve) => shell.stdout.once('data', resolve)));
}

/** Runs a command once this process has ended. */
export function runAfterwards(command: string): void {
  watch(`read -r end; ${command}`);
}

/** Gives a process and its children. */
export function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return [pid, ...(children === '' ? [] : children.split(' ').map(Number))];
}

/** Runs a script whose input ends with this process. A signal from the keyboard, which all processes get, does not end it before. */
function watch(script: string): ChildProcessByStdio<Writable, Readable, null> {
  return spawn('/bin/sh', ['-c', `trap : INT TERM HUP; ${script}`], { stdio: ['pipe', 'pipe', 'inherit'] });
}
