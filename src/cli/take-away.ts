/** Removes files that a process has left behind, while others may do the same. */
import { linkSync, renameSync, rmSync } from 'node:fs';
import { isError } from '../errors.ts';

/**
 * Removes a file if it still is the stale one. Of two processes that start at once, the slower one could remove what the faster one
 * has made in its place. So the file is first moved aside, where nobody else finds it, and then looked at.
 *
 * @param isStale Looks at the file in its new place
 * @returns false if it was another one; it is back in its place then
 */
export function takeAway(path: string, isStale: (aside: string) => boolean): boolean {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isError(error) && Reflect.get(error, 'code') === 'ENOENT') return true;
    throw error;
  }
  const isGone = isStale(aside);
  if (!isGone) putBack(aside, path);
  rmSync(aside, { force: true });
  return isGone;
}

function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    // Its owner has missed it, and made it again.
    if (!isError(error) || Reflect.get(error, 'code') !== 'EEXIST') throw error;
  }
}
