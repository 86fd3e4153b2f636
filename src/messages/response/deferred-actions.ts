/**
 * What a program does to its connection when its response is complete, but the gateway has not sent it all.
 *
 * On node the octets have gone by then, and so a listener of 'finish' may end or cut the socket. Here that waits.
 */

/** The time between the end of a response and its departure. */
export class DeferredActions {
  /** Whether it is now. */
  isNow = true;
  #actions: readonly (() => void)[] = NOTHING;

  /** Does something as soon as the response has gone. */
  add(action: () => void): void {
    this.#actions = [...this.#actions, action];
  }

  /** The response has gone. */
  end(): void {
    this.isNow = false;
    for (const action of this.#actions) action();
    this.#actions = NOTHING;
  }
}

const NOTHING: readonly never[] = [];
