/**
 * Fairness among connections: how many requests one is served before the others get their turn.
 *
 * 64 KiB of pipelined requests are some thousands. To serve them at a stretch would keep every other client waiting for
 * as long as that takes, whether the application is asynchronous or not: promises go before sockets.
 */
import type { Socket } from 'node:net';

/** More than benchmarks and browsers pipeline, and few enough to be over within a millisecond. */
const REQUESTS_A_TURN = 32;

/** The turn of one connection. */
export class FairTurn {
  readonly #socket: Socket;
  readonly #goOn: () => void;
  #requestsLeft = REQUESTS_A_TURN;
  #isOver = false;
  /** Whether the application has its turn. */
  isApplications = false;

  /** @param goOn Called when the turn comes again */
  constructor(socket: Socket, goOn: () => void) {
    this.#socket = socket;
    this.#goOn = goOn;
  }

  /**
   * Leaves a whole turn to the application, to read on after its response, whatever else happens meanwhile: a drain, or
   * input.
   */
  leave(): void {
    this.isApplications = true;
    setImmediate(() => {
      this.isApplications = false;
      // Input that came meanwhile may have paused it.
      this.#socket.resume();
      this.#goOn();
    });
  }

  /** Octets have come, which is a turn of its own. */
  begin(): void {
    if (!this.#isOver) this.#requestsLeft = REQUESTS_A_TURN;
  }

  /** Counts a request; false if it has to wait for the next turn. */
  mayServe(): boolean {
    if (this.#isOver) return false;
    this.#requestsLeft -= 1;
    if (this.#requestsLeft >= 0) return true;
    this.#isOver = true;
    // What waits to be served is bounded by what is read.
    this.#socket.pause();
    setImmediate(() => {
      this.#isOver = false;
      this.#requestsLeft = REQUESTS_A_TURN;
      this.#socket.resume();
      this.#goOn();
    });
    return false;
  }
}
