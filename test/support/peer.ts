/**
 * Programs that tests need and npm does not install: curl, a browser, other servers.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'vitest';

/**
 * Gives the path of a program. If it is missing, the test fails in CI, whose script installs it, and is skipped
 * elsewhere with the reason printed.
 */
export function requirePeer(context: TestContext, ...names: string[]): string {
  const path = findPeer(...names);
  if (path !== undefined) return path;
  const reason = `${names.join(' or ')} is not installed`;
  if (process.env.CI === 'true') throw new Error(`${reason}: add it to .ci/run`);
  console.warn(`Skipped ${context.task.name}: ${reason}`);
  return context.skip(reason);
}

/** Gives the path of a program, under the first of its names that is there. */
export function findPeer(...names: string[]): string | undefined {
  return names.map(findProgram).find((found) => found !== undefined);
}

/** A name with a slash is a path. */
function findProgram(name: string): string | undefined {
  if (name.includes('/')) return isUsable(name) ? name : undefined;
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isUsable);
}

function isUsable(path: string): boolean {
  try {
    // A module of a server is read.
    accessSync(path, path.endsWith('.so') ? constants.R_OK : constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
