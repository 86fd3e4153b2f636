/**
 * The body of a response that is not complete at once: an iterable that gives what the program writes as the gateway asks.
 *
 * A piece counts as taken once the gateway asks for the next one: the gateway has handed it on by then, and has waited for
 * its client. So the program is held back by the gateway, by whatever middleware stands between, and by the client.
 *
 * An object with `next()`, and no generator: a step costs one promise at most. Our gateway takes the pieces by {@link READY}, in
 * the very call by which the program lets them go, and without any promise.
 */
import { READY } from '../../gateway/body-reader.ts';
import type { Batch } from './outgoing.ts';

type Step = IteratorResult<Uint8Array, undefined>;

/** Listener for the progress of a body. */
export interface BodyListener {
  /** The gateway has taken the first `count` pieces of a batch. */
  batchTaken(batch: Batch, count: number): void;
  /** The gateway has the end. */
  ended(): void;
  /** The gateway wants nothing more, and has not come to the end. */
  closed(): void;
}

/** A batch in the queue. */
interface Queued {
  readonly batch: Batch;
  next: Queued | undefined;
}

interface Waiter {
  readonly promise: Promise<Step>;
  resolve(step: Step): void;
  reject(error: unknown): void;
}

const DONE: Step = { done: true, value: undefined };

/** The iterable for one response. */
export class PulledBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #listener: BodyListener;
  // A linked list: a queue that grows behind a slow client costs the same for each piece.
  #first: Queued | undefined;
  #last: Queued | undefined;
  /** The number of pieces of the first batch that were given. */
  #given = 0;
  #waiter: Waiter | undefined;
  #onReady: (() => void) | undefined;
  /** `ended` and `failed` still give what was added before; `exhausted` has given it, and the end. */
  #state: 'open' | 'ended' | 'failed' | 'exhausted' | 'closed' = 'open';
  #failure: unknown;
  /** Octets that were given. */
  length = 0;
  /** The gateway has asked for content. */
  hasBegun = false;

  constructor(listener: BodyListener) {
    this.#listener = listener;
  }

  static {
    // Declared like this because declarations of computed names cannot be inferred (isolatedDeclarations).
    Object.defineProperty(PulledBody.prototype, READY, { value: PulledBody.prototype.ready });
  }

  /** The gateway has taken everything that was added. */
  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** Adds pieces that may go. */
  add(batch: Batch): void {
    const queued: Queued = { batch, next: undefined };
    if (this.#last === undefined) this.#first = queued;
    else this.#last.next = queued;
    this.#last = queued;
    this.#wake();
  }

  /** Ends the content after everything that was added. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#wake();
  }

  /** Breaks the content off; what was added before is given first. */
  fail(error: unknown): void {
    if (this.#state !== 'open' && this.#state !== 'ended') return;
    this.#state = 'failed';
    this.#failure = error;
    this.#wake();
  }

  /** The batches that the gateway has not taken. */
  get batches(): Batch[] {
    const batches: Batch[] = [];
    for (let queued = this.#first; queued !== undefined; queued = queued.next) batches.push(queued.batch);
    return batches;
  }

  /** Takes all batches out of the queue. */
  takeAll(): Batch[] {
    const { batches } = this;
    this.#first = undefined;
    this.#last = undefined;
    this.#given = 0;
    return batches;
  }

  next(): Promise<Step> {
    // Somebody who does not wait gets his step after the others.
    if (this.#waiter !== undefined) return this.#waiter.promise.then(() => this.next());
    try {
      const step = this.#take();
      if (step !== undefined) return Promise.resolve(step);
    } catch (error) {
      return Promise.reject(error);
    }
    let resolve: Waiter['resolve'] = () => {};
    let reject: Waiter['reject'] = () => {};
    const promise = new Promise<Step>((onResolve, onReject) => {
      resolve = onResolve;
      reject = onReject;
    });
    this.#waiter = { promise, resolve, reject };
    return promise;
  }

  /** {@link READY}: gives the next step if there is one already; else calls back, once, when there is one. */
  ready(onReady?: () => void): Step | undefined {
    const step = this.#take();
    if (step === undefined) this.#onReady = onReady;
    return step;
  }

  #take(): Step | undefined {
    this.hasBegun = true;
    if (this.#state === 'closed') return DONE;
    for (let queued = this.#first; queued !== undefined; queued = this.#first) {
      const { batch } = queued;
      const piece = batch.pieces[this.#given];
      if (piece !== undefined) {
        if (batch.callbacks.length > 0) this.#listener.batchTaken(batch, this.#given);
        this.#given += 1;
        this.length += piece.length;
        return { done: false, value: piece };
      }
      this.#first = queued.next;
      if (this.#first === undefined) this.#last = undefined;
      this.#given = 0;
      this.#listener.batchTaken(batch, batch.pieces.length);
    }
    switch (this.#state) {
      case 'open':
        return undefined;
      case 'failed':
        this.#state = 'exhausted';
        throw this.#failure;
      case 'ended':
        this.#state = 'exhausted';
        this.#listener.ended();
        return DONE;
      case 'exhausted':
        return DONE;
    }
  }

  #wake(): void {
    const onReady = this.#onReady;
    this.#onReady = undefined;
    if (onReady !== undefined) {
      onReady();
      return;
    }
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    try {
      const step = this.#take();
      if (step === undefined) return;
      this.#waiter = undefined;
      waiter.resolve(step);
    } catch (error) {
      this.#waiter = undefined;
      waiter.reject(error);
    }
  }

  async return(): Promise<Step> {
    this.close();
    return DONE;
  }

  async throw(error: unknown): Promise<Step> {
    this.close();
    throw error;
  }

  close(): void {
    if (this.#state === 'closed' || this.#state === 'exhausted') return;
    this.#state = 'closed';
    this.#onReady = undefined;
    this.#waiter?.resolve(DONE);
    this.#waiter = undefined;
    this.#listener.closed();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
