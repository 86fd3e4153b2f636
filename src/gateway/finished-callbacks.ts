/**
 * The callbacks of `gateway.on_finished`.
 *
 * The last one registered runs first, and the next one after it has settled, so that callbacks unwind like nested
 * middleware. One that does not settle in time holds the others up no longer. Each runs in the asynchronous context in
 * which it was registered.
 */
import type { Environ, FinishedCallback, HeaderList } from '../wsgi.ts';
import { type AsyncContext, keepContext } from './platform.ts';
import { isPromise } from './promise.ts';
import { within } from './within.ts';

/** How a response ended, as callbacks are told. */
export interface Ending {
  readonly environ: Environ;
  readonly status: string | undefined;
  readonly headers: HeaderList | undefined;
  /** The reason if the response is incomplete. */
  readonly error: unknown;
}

/** The callbacks of one response. */
export class FinishedCallbacks {
  readonly #callbacks: { readonly callback: FinishedCallback; readonly context: AsyncContext }[] = [];

  add(callback: FinishedCallback): void {
    this.#callbacks.push({ callback, context: keepContext() });
  }

  /**
   * Runs all callbacks.
   *
   * @param timeout Milliseconds to wait for each
   * @param report Called with each error
   */
  async run(ending: Ending, timeout: number, report: (error: unknown) => void): Promise<void> {
    const { environ, status, headers, error } = ending;
    for (const { callback, context } of this.#callbacks.reverse()) {
      try {
        const result = context.runInAsyncScope(callback, undefined, environ, status, headers, error);
        // Nothing is awaited without need: a wrapped program is told of its end in the call that sends it.
        if (isPromise(result)) await within(timeout, result);
      } catch (failure) {
        report(failure);
      }
    }
  }
}
