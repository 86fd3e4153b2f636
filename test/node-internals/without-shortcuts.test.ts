/** Runs with the shortcuts switched off, as the tests beside it do a second time (vitest.config.ts). */
import { expect, it } from 'vitest';
// Loads the files that look for shortcuts.
import '../../src/node-internals/index.ts';
import { SHORTCUTS } from '../../src/node-internals/shortcuts.ts';

it('has no shortcut', () => {
  expect(SHORTCUTS.length).toBeGreaterThan(0);
  expect(SHORTCUTS.filter(({ isFound }) => isFound)).toEqual([]);
});
