/** The third argument of a fetch handler: work that goes on after the response. */
import { isPromise, logError, logOf, toPromise } from '../../src/gateway/index.ts';
import type { Environ } from '../../src/index.ts';

/** The third argument of a handler, as workers at the edge get it. */
export class FetchContext {
  /** Empty; at the edge it has what the deployer has configured. */
  readonly props: Readonly<Record<string, unknown>> = NO_PROPS;
  readonly #environ: Environ;
  #pending = 0;
  #onIdle: (() => void) | undefined;

  constructor(environ: Environ) {
    this.#environ = environ;
  }

  /**
   * Lets work go on after the response. A failure is logged.
   *
   * The content of the request may be read meanwhile. Where the host ends or freezes the process after a response, it waits.
   */
  waitUntil(work: unknown): void {
    if (!isPromise(work)) return;
    this.#pending += 1;
    const over = toPromise(work)
      .catch((error: unknown) => logError(logOf(this.#environ), error))
      .then(() => this.#settle());
    hostOf(this.#environ)?.waitUntil?.(over);
  }

  /** Does nothing: there is no server behind this one that could answer instead. */
  passThroughOnException(): void {}

  /** Calls back once no work goes on; at once if there is none. */
  whenIdle(callback: () => void): void {
    if (this.#pending === 0) callback();
    else this.#onIdle = callback;
  }

  #settle(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    this.#onIdle?.();
    this.#onIdle = undefined;
  }
}

const NO_PROPS = Object.freeze({});

/** Another engine of the Fetch API in front of this one, see `toFetch`. */
interface Engine {
  waitUntil?(work: Promise<unknown>): void;
}

function hostOf(environ: Environ): Engine | undefined {
  // toFetch has checked it.
  return environ['fetch.info'] as Engine | undefined;
}
