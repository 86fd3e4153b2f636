/** The pieces of a streamed response, the same of every program in TypeScript. A test tells by the files of marks.ts when to end. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

type Ending = 'finished' | 'left';

/** Says how a response has ended. */
export function markEnding(path: string, ending: Ending): void {
  // The name appears with the content.
  writeFileSync(`${path}.writing`, ending);
  renameSync(`${path}.writing`, `${path}.ended`);
}

/** Gives the pieces of a response, a dot at a time, until the test lets it go on. */
export async function* pieces(path: string): AsyncGenerator<string> {
  writeFileSync(`${path}.begun`, '');
  yield 'first';
  while (!existsSync(`${path}.go`)) {
    await delay(10);
    yield '.';
  }
  yield 'last';
}

/** Begins, and fails. */
export async function* brokenPieces(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('first');
  await delay(20);
  throw new Error('Failed on purpose');
}

/** Gives the same, and marks the end: a stream that is left is returned before its end. */
export async function* markedPieces(path: string): AsyncGenerator<string> {
  let ending: Ending = 'left';
  try {
    yield* pieces(path);
    ending = 'finished';
  } finally {
    markEnding(path, ending);
  }
}
