/**
 * Bounds the requests that a program serves at the same time. Others wait in a bounded queue, in order; what finds the queue full, or
 * waits too long, is refused with 503 and Retry-After.
 */
import { Line, MAX_DELAY, type Place } from '../../src/gateway/index.ts';
import { UpstreamError } from '../../src/index.ts';

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

/** A request that wants a slot. One of both methods is called, once, unless it leaves before. */
export interface Visitor {
  /** The slot is its own until it gives it back. */
  admit(release: Release): void;
  /** It has waited too long. */
  refuse(error: UpstreamError): void;
}

/** A visitor in the queue. */
interface Waiting {
  readonly visitor: Visitor;
  /** The time of `performance.now()` at which its patience ends. */
  readonly end: number;
}

/** Places for requests, and a queue before them. */
export class Slots {
  readonly #options: SlotOptions;
  /** In order of arrival, which is the order of `end` too. */
  readonly #queue = new Line<Waiting>();
  #taken = 0;
  /** Slots that were given back, and are to be passed on. */
  #free = 0;
  #isPassing = false;
  /** For the first of the queue. */
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** Requests that have a slot. */
  get taken(): number {
    return this.#taken;
  }

  /** Requests that wait for one. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Refuses a request early, before anything is done for it.
   *
   * @throws {@link UpstreamError} 503 if too many wait already
   */
  assertRoom(): void {
    const { most, mostWaiting } = this.#options;
    if (this.#taken >= most && this.#queue.length >= mostWaiting)
      throw this.#busy(`${most} are served, and ${this.#queue.length} wait`);
  }

  /**
   * Gives a visitor a slot, at once if one is free.
   *
   * @returns a function by which it leaves the queue; it does nothing later
   * @throws {@link UpstreamError} 503 if too many wait already
   */
  enter(visitor: Visitor): () => void {
    this.assertRoom();
    if (this.#taken < this.#options.most) {
      this.#taken += 1;
      visitor.admit(this.#makeRelease());
      return ignore;
    }
    const waiting: Waiting = { visitor, end: performance.now() + this.#options.patience };
    const place = this.#queue.add(waiting);
    if (this.#timer === undefined) this.#setTimer(this.#options.patience);
    return () => this.#leave(place);
  }

  /**
   * Takes a slot, or waits for one.
   *
   * @param signal Aborts the wait; the promise then rejects with its reason
   * @throws {@link UpstreamError} 503 if too many wait already, or if the wait takes too long
   */
  async take(signal?: AbortSignal): Promise<Release> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        leave();
        reject(signal?.reason);
      };
      const settle = (): void => signal?.removeEventListener('abort', abort);
      // Throws if too many wait: then there is nothing to leave, and no signal to hear.
      const leave = this.enter({
        admit: (release) => {
          settle();
          resolve(release);
        },
        refuse: (error) => {
          settle();
          reject(error);
        },
      });
      if (leave !== ignore) signal?.addEventListener('abort', abort, { once: true });
    });
  }

  #leave(place: Place<Waiting>): void {
    if (place.leave()) this.#restIfEmpty();
  }

  #restIfEmpty(): void {
    if (this.#queue.length > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #setTimer(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refuseLate(), Math.min(Math.max(delay, 1), MAX_DELAY));
  }

  /** Patience may be longer than a timer of node. */
  #refuseLate(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (let waiting = this.#queue.peek(); waiting !== undefined; waiting = this.#queue.peek()) {
      if (waiting.end > now) {
        this.#setTimer(waiting.end - now);
        return;
      }
      this.#queue.take();
      waiting.visitor.refuse(this.#busy(`none of them has ended in ${this.#options.patience} ms`));
    }
  }

  /** A slot goes to the next in the queue directly, so that nobody comes in between. */
  #makeRelease(): Release {
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      this.#free += 1;
      this.#passOn();
    };
  }

  /** A visitor may give its slot back at once, as all do when a program is closed: no call may run inside that of the one before. */
  #passOn(): void {
    if (this.#isPassing) return;
    this.#isPassing = true;
    while (this.#free > 0) {
      this.#free -= 1;
      const next = this.#queue.take();
      if (next === undefined) {
        this.#taken -= 1;
        continue;
      }
      this.#restIfEmpty();
      next.visitor.admit(this.#makeRelease());
    }
    this.#isPassing = false;
  }

  #busy(detail: string): UpstreamError {
    const headers = { 'Retry-After': '1' };
    return new UpstreamError('WSGI_ERR_UPSTREAM_BUSY', `${this.#options.program}: ${detail}`, { headers });
  }
}

const ignore = (): void => {};
