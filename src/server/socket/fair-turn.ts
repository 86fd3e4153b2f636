/**
 * Fairness among connections: limits how many requests one is served before the others get a turn.
 *
 * A full read buffer can hold thousands of pipelined requests. Serving them in one go would keep every other client
 * waiting, even with an asynchronous application: promises go before sockets.
 */
/** More than benchmarks and browsers pipeline, and few enough to be over soon. */
const REQUESTS_A_TURN = 32;

/** The turn of one connection. */
export class FairTurn {
  readonly #goOn: () => void;
  #requestsLeft = REQUESTS_A_TURN;
  #isOver = false;
  /** The application has the turn. */
  applicationHasTurn = false;

  /** @param goOn Called when the next turn begins */
  constructor(goOn: () => void) {
    this.#goOn = goOn;
  }

  /** Gives the application a whole turn to read on after its response, despite drains and input meanwhile. */
  leave(): void {
    if (this.applicationHasTurn) return;
    this.applicationHasTurn = true;
    setImmediate(() => {
      this.applicationHasTurn = false;
      this.#goOn();
    });
  }

  /** Octets have come: a new turn begins. */
  begin(): void {
    if (!this.#isOver) this.#requestsLeft = REQUESTS_A_TURN;
  }

  /** Counts a request; false if it has to wait for the next turn. */
  mayServe(): boolean {
    if (this.#isOver) return false;
    this.#requestsLeft -= 1;
    if (this.#requestsLeft >= 0) return true;
    this.#isOver = true;
    setImmediate(() => {
      this.#isOver = false;
      this.#requestsLeft = REQUESTS_A_TURN;
      this.#goOn();
    });
    return false;
  }
}
