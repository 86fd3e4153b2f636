/**
 * The body of a response that is not complete at once: gives the chunks of the application as the gateway asks.
 *
 * A chunk counts as taken once the gateway asks for the next one: it has waited for its client by then. So what the client does not
 * read waits in Python.
 */
import { WINDOW } from './frames.ts';

type Step = IteratorResult<Uint8Array, undefined>;

/** Listener for the progress of a body. */
export interface ChunksListener {
  /** The gateway has taken so many octets since the last call. */
  chunksTaken(octets: number): void;
  /** The gateway wants nothing more, and has not come to the end. */
  chunksUnwanted(): void;
}

const DONE: Step = { done: true, value: undefined };

/** The iterable for one response. */
export class ResponseChunks implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #listener: ChunksListener;
  #chunks: Uint8Array[] = [];
  /** Octets that have come and were not told as taken. */
  #untold = 0;
  /** Octets that the gateway has, or had, and that were not told. */
  #taken = 0;
  #waiter: { resolve(step: Step): void; reject(error: unknown): void } | undefined;
  #state: 'open' | 'ended' | 'failed' | 'closed' = 'open';
  #failure: unknown;

  constructor(listener: ChunksListener) {
    this.#listener = listener;
  }

  /** The application has to wait for the client. */
  get isFull(): boolean {
    return this.#untold >= WINDOW;
  }

  add(chunk: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#untold += chunk.length;
    const waiter = this.#waiter;
    if (waiter === undefined) {
      this.#chunks.push(chunk);
      return;
    }
    this.#waiter = undefined;
    waiter.resolve(this.#give(chunk));
  }

  /** Ends the content after the chunks that have come. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#waiter?.resolve(DONE);
    this.#waiter = undefined;
  }

  /** Breaks the content off after the chunks that have come. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#failure = error;
    if (this.#waiter === undefined) return;
    this.#state = 'closed';
    this.#waiter.reject(error);
    this.#waiter = undefined;
  }

  next(): Promise<Step> {
    if (this.#state === 'closed') return Promise.resolve(DONE);
    this.#tell();
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return Promise.resolve(this.#give(chunk));
    if (this.#state === 'ended') return Promise.resolve(DONE);
    if (this.#state === 'failed') {
      this.#state = 'closed';
      return Promise.reject(this.#failure);
    }
    // Somebody who does not wait for his step gets the end.
    this.#waiter?.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  #give(chunk: Uint8Array): Step {
    this.#taken += chunk.length;
    return { done: false, value: chunk };
  }

  /** Tells what was taken, not for each small chunk but in good time. */
  #tell(): void {
    if (this.#taken < WINDOW / 2 || this.#state !== 'open') return;
    this.#listener.chunksTaken(this.#taken);
    this.#untold -= this.#taken;
    this.#taken = 0;
  }

  async return(): Promise<Step> {
    this.close();
    return DONE;
  }

  close(): void {
    if (this.#state === 'closed') return;
    const isOwed = this.#state === 'open';
    this.#state = 'closed';
    this.#chunks = [];
    this.#waiter?.resolve(DONE);
    this.#waiter = undefined;
    if (isOwed) this.#listener.chunksUnwanted();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
