/**
 * Bounds the requests that a program serves at the same time. Others wait in a bounded queue, in order; what finds the queue full, or
 * waits too long, is refused with 503 and Retry-After.
 */
import { UpstreamError } from '../../src/index.ts';
import { MAX_DELAY } from './max-delay.ts';

/** Settings of {@link Slots}. */
export interface SlotOptions {
  /** The name of the program, for errors. */
  readonly program: string;
  /** Requests served at the same time, at most. */
  readonly most: number;
  /** Requests that wait, at most. */
  readonly mostWaiting: number;
  /** Milliseconds that a request waits, at most. */
  readonly patience: number;
}

/** Gives the slot back. Later calls do nothing. */
export type Release = () => void;

interface Waiting {
  grant(): void;
}

/** Places for requests, and a queue before them. */
export class Slots {
  readonly #options: SlotOptions;
  /** In order of arrival. A Set, because clients leave from the middle. */
  readonly #queue = new Set<Waiting>();
  #taken = 0;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** Requests that have a slot. */
  get taken(): number {
    return this.#taken;
  }

  /** Requests that wait for one. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * Refuses a request early, before anything is done for it.
   *
   * @throws {@link UpstreamError} 503 if too many wait already
   */
  assertRoom(): void {
    const { most, mostWaiting } = this.#options;
    if (this.#taken >= most && this.#queue.size >= mostWaiting)
      throw this.#busy(`${most} are served, and ${this.#queue.size} wait`);
  }

  /**
   * Takes a slot, or waits for one.
   *
   * @param signal Aborts the wait; the promise then rejects with its reason
   * @throws {@link UpstreamError} 503 if too many wait already, or if the wait takes too long
   */
  async take(signal?: AbortSignal): Promise<Release> {
    signal?.throwIfAborted();
    this.assertRoom();
    if (this.#taken >= this.#options.most) await this.#wait(signal);
    else this.#taken += 1;
    return this.#makeRelease();
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    const { patience } = this.#options;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#queue.delete(waiting);
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        leave();
        reject(signal?.reason);
      };
      const waiting = {
        grant: () => {
          leave();
          resolve();
        },
      };
      const timer = setTimeout(
        () => {
          leave();
          reject(this.#busy(`none of them has ended in ${patience} ms`));
        },
        Math.min(patience, MAX_DELAY),
      );
      signal?.addEventListener('abort', abort, { once: true });
      this.#queue.add(waiting);
    });
  }

  /** A slot goes to the next in the queue directly, so that nobody comes in between. */
  #makeRelease(): Release {
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      const [next] = this.#queue;
      if (next === undefined) this.#taken -= 1;
      else next.grant();
    };
  }

  #busy(detail: string): UpstreamError {
    const headers = { 'Retry-After': '1' };
    return new UpstreamError('WSGI_ERR_UPSTREAM_BUSY', `${this.#options.program}: ${detail}`, { headers });
  }
}
