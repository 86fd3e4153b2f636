/** Looks for processes that CGI programs leave behind. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A mark in the environment, by which processes are found again. */
export function createMark(): { readonly env: Record<string, string>; count(): number } {
  const mark = `GATEBRIDGE_MARK=${randomUUID()}`;
  return { env: { GATEBRIDGE_MARK: mark.slice(16) }, count: () => processesWith(mark) };
}

/** Counts the processes that have a text in their environment. Zombies have none, and are counted by their parent. */
function processesWith(mark: string): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  }).length;
}

/** Counts the zombies of this process. */
export function zombies(): number {
  return readdirSync('/proc').filter((name) => {
    try {
      if (!/^\d+$/.test(name)) return false;
      const [state, parent] = (readFileSync(`/proc/${name}/stat`, 'latin1').split(') ')[1] ?? '').split(' ');
      return state === 'Z' && parent === `${process.pid}`;
    } catch {
      return false;
    }
  }).length;
}

/** Waits until a condition holds. */
export async function until(holds: () => boolean, milliseconds = 5_000): Promise<boolean> {
  for (let waited = 0; waited < milliseconds && !holds(); waited += 20) await delay(20);
  return holds();
}
