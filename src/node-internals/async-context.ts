/** Keeps the asynchronous context of a moment (AsyncLocalStorage). */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Calls a function in a context. */
export type InContext = <T>(action: () => T) => T;

/** Gives the present context. */
export function captureContext(): InContext {
  return AsyncLocalStorage.snapshot();
}
