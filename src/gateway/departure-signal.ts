/**
 * The signal of `gateway.signal()`.
 *
 * The client leaves in an event of its socket. So each listener is bound to the asynchronous context in which it was
 * added: `AsyncLocalStorage` gives it the request that it belongs to.
 */
import { keepContext } from './platform.ts';

type Listener = NonNullable<Parameters<AbortSignal['addEventListener']>[1]>;
type AddOptions = Parameters<AbortSignal['addEventListener']>[2];
type RemoveOptions = Parameters<AbortSignal['removeEventListener']>[2];

/** Creates the controller of a signal that keeps the context of its listeners. */
export function createDepartureSignal(): AbortController {
  const controller = new AbortController();
  const { signal } = controller;
  /** The bound listeners by those that were added, so that they can be removed again. */
  const bound = new WeakMap<Listener, Listener>();
  const { addEventListener, removeEventListener } = signal;
  const add = (type: string, listener: Listener | null, options?: AddOptions): void => {
    Reflect.apply(addEventListener, signal, [type, bindListener(listener, bound), options]);
  };
  const remove = (type: string, listener: Listener | null, options?: RemoveOptions): void => {
    const added = listener === null ? null : (bound.get(listener) ?? listener);
    Reflect.apply(removeEventListener, signal, [type, added, options]);
  };
  Object.defineProperty(signal, 'addEventListener', { value: add, configurable: true, writable: true });
  Object.defineProperty(signal, 'removeEventListener', { value: remove, configurable: true, writable: true });
  return controller;
}

/** Adding a listener twice adds it once, as for every event target. */
function bindListener(listener: Listener | null, bound: WeakMap<Listener, Listener>): Listener | null {
  if ((typeof listener !== 'function' && typeof listener !== 'object') || listener === null) return listener;
  const known = bound.get(listener);
  if (known !== undefined) return known;
  const context = keepContext();
  const call = function (this: unknown, event: Event): void {
    if (typeof listener === 'function') context.runInAsyncScope(listener, this, event);
    else context.runInAsyncScope(listener.handleEvent, listener, event);
  };
  bound.set(listener, call);
  return call;
}
