/** Reads the lines of the checklist, which `checklist.md` pins. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Who obeys a line, or checks it, by the letter of its kind. */
export const LINE_KINDS = {
  V: 'validator',
  S: 'server',
  B: 'bridge',
  C: 'CGI',
  U: 'utility',
  T: 'test tool',
  M: 'middleware',
} as const;

/** The kind of a line. */
export type LineKind = keyof typeof LINE_KINDS;

/** One line of the checklist. */
export type ChecklistLine = readonly [line: number, kind: LineKind, rule: string];

const LINE = /^(\d+)\. ([VSBCUTM]) (.+)$/gm;

/** The lines by number. */
export const CHECKLIST: readonly ChecklistLine[] = [
  ...readFileSync(join(import.meta.dirname, 'checklist.md'), 'utf8').matchAll(LINE),
].map(([, line, kind, rule = '']) => {
  // The pattern allows these letters only.
  return [Number(line), kind as LineKind, rule];
});
