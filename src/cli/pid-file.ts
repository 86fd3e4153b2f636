/** The file with the id of the process. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isError } from '../errors.ts';
import { CommandError } from './exit-codes.ts';
import { pathOf, type Settings } from './settings.ts';
import { takeAway } from './take-away.ts';

/**
 * Writes the process id into the file of `--pid`.
 *
 * @returns a function that removes the file
 * @throws {@link CommandError} if the process that the file names is alive, or the file cannot be written
 */
export function writePidFile(settings: Pick<Settings, 'pid' | 'folder'>): () => void {
  if (settings.pid === undefined) return () => undefined;
  const path = pathOf(settings, settings.pid);
  try {
    // Another process that starts just now may have taken the new file away, before the id was in it.
    while (!createPidFile(path) || readPid(path) !== process.pid) {
      const other = readPid(path);
      if (other !== undefined && other !== process.pid && isAlive(other)) {
        throw new CommandError('usage', `${path} says that process ${other} runs already`, {
          cure: `Stop it first (kill ${other}), or remove the file.`,
        });
      }
      // Its process has ended without removing it.
      takeAway(path, (aside) => readPid(aside) === other);
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      'usage',
      `The process id cannot be written to ${path}: ${isError(error) ? error.message : error}`,
    );
  }
  return () => {
    if (readPid(path) === process.pid) rmSync(path, { force: true });
  };
}

/** False if there is a file: of two processes that start at once, only one makes it. */
function createPidFile(path: string): boolean {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (isError(error) && Reflect.get(error, 'code') === 'EEXIST') return false;
    throw error;
  }
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is alive too.
    return isError(error) && Reflect.get(error, 'code') === 'EPERM';
  }
}
