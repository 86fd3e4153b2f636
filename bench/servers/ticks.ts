/** The source of events for clients that stay: ten a second, the same for all of them. */
import { EventEmitter } from 'node:events';

const INTERVAL = 100;

/** Emits `tick`. */
export const ticks: EventEmitter<{ tick: [] }> = new EventEmitter();
ticks.setMaxListeners(0);
setInterval(() => ticks.emit('tick'), INTERVAL).unref();

let resolveNext = (): void => {};
let next: Promise<void> | undefined;

/** Resolves at the next event: one promise for all that wait. */
export function nextTick(): Promise<void> {
  next ??= new Promise((resolve) => {
    resolveNext = resolve;
    ticks.once('tick', () => {
      next = undefined;
      resolveNext();
    });
  });
  return next;
}
