/**
 * Counts the listeners of an emitter over all events: `_eventsCount` (since Node 0.12; checked on 20 to 26).
 *
 * Without the shortcut the names of the events are listed, which makes an array each time.
 */
import { EventEmitter } from 'node:events';
import { shortcut } from './shortcuts.ts';

interface CountingEmitter extends EventEmitter {
  readonly _eventsCount?: number;
}

const isCounted = shortcut('_eventsCount', () => ('_eventsCount' in new EventEmitter() ? true : undefined));

/** Tells if an emitter has a listener for any event. */
export function hasListeners(emitter: CountingEmitter): boolean {
  return isCounted === true ? emitter._eventsCount !== 0 : emitter.eventNames().length > 0;
}
