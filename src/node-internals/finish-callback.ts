/**
 * The callbacks that node passes to `_send` (checked on Node 20 to 26).
 *
 * - `end()` passes with its last piece a bound function named `bound onFinish`, which makes node emit 'finish' (since
 *   Node 12). If the name differs, node emits 'finish' by itself once all callbacks have run.
 * - `write()` without a callback passes a function that does nothing (since Node 14). If it is not found, it is
 *   called.
 * - `end(callback)` keeps its callbacks under the symbol `kEndCallbacks` (since Node 24); before, it listens to
 *   'finish'. Without the shortcut 'finish' is always waited for.
 */
import { OutgoingMessage } from 'node:http';
import type { ResponseMessage, WriteCallback } from './message-types.ts';
import { findSymbol, shortcut } from './shortcuts.ts';

const FINISH_NAME = shortcut('bound onFinish', () => {
  const name = 'bound onFinish';
  return callbacksOf((probe) => probe.end('x')).some((callback) => callback.name === name) ? name : undefined;
});

/** Tells if a callback makes node emit 'finish'. */
export function isFinishCallback(callback: WriteCallback | undefined): boolean {
  return callback !== undefined && callback.name === FINISH_NAME;
}

/** The function that node passes if a program gave no callback: not worth keeping and calling. */
export const NO_CALLBACK: unknown = shortcut('the callback of write', () => {
  return callbacksOf((probe) => probe.write(''))[0];
});

/** Gives the callbacks that node passes to `_send`. */
function callbacksOf(use: (probe: OutgoingMessage) => void): WriteCallback[] {
  const callbacks: WriteCallback[] = [];
  const send: ResponseMessage['_send'] = (_data, _encoding, callback) => {
    if (typeof callback === 'function') callbacks.push(callback);
    return true;
  };
  const probe = Object.assign(new OutgoingMessage(), { _header: 'settled', _send: send });
  use(probe);
  return callbacks;
}

const END_CALLBACKS = shortcut('kEndCallbacks', () => findSymbol(new OutgoingMessage(), 'kEndCallbacks'));

/** Tells if `end()` has callbacks that run before 'finish'. */
export function hasEndCallbacks(response: ResponseMessage): boolean {
  if (END_CALLBACKS === undefined) return MAY_HAVE_END_CALLBACKS;
  // No type declares the property.
  return (response as unknown as Record<symbol, unknown>)[END_CALLBACKS] !== null;
}

const MAY_HAVE_END_CALLBACKS = Number(process.versions.node.split('.', 1)[0]) >= 24;
