/**
 * The asynchronous context of a connection (AsyncLocalStorage).
 *
 * An application that reads content on after its response sets off the next request, from its own context. That request is
 * served in the context of the connection.
 */
import { captureContext, type InContext } from '../../node-internals/index.ts';

/** The context of one connection. */
export class OwnContext {
  /** The present context is this one. */
  isPresent = false;
  /** Undefined while no content has come: nobody else sets off a request then. */
  #inContext: InContext | undefined;

  /** Keeps the present context, which is this one before the first content. */
  keep(): void {
    this.#inContext ??= captureContext();
  }

  /** Calls a function in this context. */
  run(action: () => void): void {
    if (this.#inContext === undefined || this.isPresent) action();
    else this.#inContext(action);
  }
}
