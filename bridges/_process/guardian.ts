/**
 * Ends process groups whose parent is gone, also by SIGKILL: the parent itself cannot.
 *
 * One shell for the whole process knows the groups that run. Its standard input ends with us; then it kills them.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** Reads `+ group` and `- group`. Signals of a terminal do not reach it, because it has a group of its own. */
const SCRIPT = `
groups=" "
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done`;

let guardian: ChildProcess | undefined;

/**
 * Starts the guardian if there is none. Called before a program is started: starting takes time, in which this process could be
 * killed and leave the program behind. Does nothing on Windows.
 */
export function prepareGuard(): void {
  if (process.platform === 'win32') return;
  try {
    guardian ??= start();
  } catch {
    // The system has no process left: programs run unguarded.
  }
}

/** Has a process group killed if this process ends before {@link release}. */
export function guard(group: number): void {
  prepareGuard();
  tell(`+ ${group}`);
}

/** Lets go of a process group that has ended, or that may go on alone. */
export function release(group: number): void {
  tell(`- ${group}`);
}

function tell(line: string): void {
  guardian?.stdin?.write(`${line}\n`);
}

function start(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SCRIPT], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: {},
  });
  const forget = (): void => {
    if (guardian === child) guardian = undefined;
  };
  child.once('error', forget).once('exit', forget);
  child.stdin?.on('error', forget);
  // It must not keep this process alive.
  child.unref();
  // A pipe to a child is a socket, whose type does not say so.
  (child.stdin as unknown as { unref(): void } | null)?.unref();
  return child;
}
