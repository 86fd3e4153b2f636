/**
 * The mark of a response whose `write()` returned false, under the symbol `kNeedDrain` (since Node 9; checked on 20
 * to 26). `writableNeedDrain` shows it, and no documented method removes it.
 *
 * Without the shortcut `writableNeedDrain` stays true after 'drain'.
 */
import { OutgoingMessage } from 'node:http';
import { findSymbol, shortcut } from './shortcuts.ts';

const NEED_DRAIN = shortcut('kNeedDrain', () => findSymbol(new OutgoingMessage(), 'kNeedDrain'));

/** Removes the mark. */
export function clearNeedDrain(response: OutgoingMessage): void {
  if (NEED_DRAIN !== undefined) Reflect.set(response, NEED_DRAIN, false);
}
