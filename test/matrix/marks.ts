/**
 * Files by which a test and a program tell each other of one response, whatever process the program runs in.
 *
 * The program writes `.begun` when it begins, and `.ended` at the end: `finished` or `left`. It waits for `.go`. programs/pieces.ts
 * is the other end of those in TypeScript.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The marks of one response. */
export interface Marks {
  /** What the program is told in the field X-Marks. */
  readonly path: string;
  begun(): Promise<void>;
  /** Lets the program go on to the end. */
  go(): void;
  hasEnded(): boolean;
  ending(): Promise<string>;
}

let folder: string | undefined;
let count = 0;

/** Makes marks for one response. */
export function createMarks(): Marks {
  folder ??= mkdtempSync(join(tmpdir(), 'gatebridge-matrix-'));
  count += 1;
  const path = join(folder, `${count}`);
  const wait = async (name: string): Promise<void> => {
    const deadline = Date.now() + 10_000;
    while (!existsSync(`${path}.${name}`)) {
      if (Date.now() > deadline) throw new Error(`The program has not ${name}`);
      await delay(5);
    }
  };
  return {
    path,
    begun: () => wait('begun'),
    go: () => writeFileSync(`${path}.go`, ''),
    hasEnded: () => existsSync(`${path}.ended`),
    async ending() {
      await wait('ended');
      return readFileSync(`${path}.ended`, 'utf8').trim();
    },
  };
}

/** Removes all marks. */
export function removeMarks(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}
