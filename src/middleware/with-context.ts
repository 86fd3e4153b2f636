/**
 * Gives an application an asynchronous context of its own, which also holds while its body is iterated and closed.
 *
 * `storage.run()` around the call alone would not do: the gateway iterates the body later, in its own context.
 */
import { toApplication } from '../gateway/application.ts';
import { describe } from '../gateway/describe.ts';
import type { Environ } from '../wsgi.ts';
import type { Middleware } from './middleware.ts';
import { withBody, wrapWith } from './wrapped-body.ts';

/** The part of node's `AsyncLocalStorage` that {@link withContext} uses. */
export interface ContextStorage<Store> {
  run<Result>(store: Store, call: () => Result): Result;
}

/**
 * Runs the inner application in an asynchronous context: the call, each step of the body, `return()` and `close()`.
 * Callbacks of `gateway.on_finished` have the context in which they were registered.
 *
 * @param storage An `AsyncLocalStorage` of node:async_hooks
 * @param createStore Makes the store of one request; without it the store is the environ
 * @throws TypeError if the storage has no `run`
 * @example
 * const users = new AsyncLocalStorage<{ user: string | undefined }>();
 * const site = withContext(users, (environ) => ({ user: environ.REMOTE_USER }))(application);
 */
export function withContext(storage: ContextStorage<Environ>): Middleware;
export function withContext<Store>(
  storage: ContextStorage<Store>,
  createStore: (environ: Environ) => Store,
): Middleware;
export function withContext(
  storage: ContextStorage<unknown>,
  createStore: (environ: Environ) => unknown = (environ) => environ,
): Middleware {
  if (typeof storage?.run !== 'function') {
    throw new TypeError('Storage must be an AsyncLocalStorage of node:async_hooks');
  }
  if (typeof createStore !== 'function') {
    throw new TypeError(
      `createStore must be a function that makes a store of an environ, not ${describe(createStore)}`,
    );
  }
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const store = createStore(environ);
      const enter = <Result>(call: () => Result): Result => storage.run(store, call);
      const body = enter(() => inner(environ, startResponse));
      return withBody(body, (given) => wrapWith(given, { enter }));
    };
  };
}
