/**
 * Runs an example under the validator: `VALIDATED` in its environment leads its imports to the entries of this folder, whose
 * hosts validate the application. Its standard error tells what it validates and each rule that is broken.
 */
import { join } from 'node:path';
import { expect } from 'vitest';

/** Variables for an example that tsx runs. */
export const VALIDATED = { TSX_TSCONFIG_PATH: join(import.meta.dirname, 'tsconfig.json') };

/** Checks the standard error of an example: an application was validated, and broke no rule. */
export function expectValid(standardError: string): void {
  expect(standardError).toContain('Validates an application\n');
  expect(standardError.match(/^Breaks .*/gm) ?? []).toEqual([]);
}
