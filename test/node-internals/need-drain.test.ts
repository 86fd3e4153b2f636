import { expect, it } from 'vitest';
import { clearNeedDrain } from '../../src/node-internals/index.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';
import { holdResponse } from './messages.ts';

it('removes the mark of a response that waits for a drain', () => {
  const { response } = holdResponse(false);
  response.write('x');
  expect(response.writableNeedDrain).toBe(true);
  clearNeedDrain(response);
  expect(response.writableNeedDrain).toBe(areShortcutsOff);
});
