/**
 * Defers what a program does to its connection after its response is complete, until the gateway has sent it.
 *
 * On node the octets have gone by then, and so a listener of 'finish' may end or cut the socket.
 */

/** Actions between the end of a response and its departure. */
export class DeferredActions {
  /** The response has not gone yet. */
  isPending = true;
  #actions: readonly (() => void)[] = NOTHING;

  /** Runs an action as soon as the response has gone. */
  add(action: () => void): void {
    this.#actions = [...this.#actions, action];
  }

  /** Runs all actions: the response has gone. */
  end(): void {
    this.isPending = false;
    for (const action of this.#actions) action();
    this.#actions = NOTHING;
  }
}

const NOTHING: readonly never[] = [];
