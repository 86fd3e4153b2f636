/**
 * The content of a response as a stream that Fastify pulls on.
 *
 * A sink is pushed to, a payload is pulled from. This stream joins the two and holds one chunk: the application gives
 * the next one when it has been taken. With a high-water mark of 0 node asks for a chunk only when the last one has
 * left the stream, so nothing is read ahead.
 */

import { Readable } from 'node:stream';
import { disconnection } from '../../src/gateway/index.ts';
import type { DisconnectError } from '../../src/index.ts';

/** The reply of a stream. */
export interface StreamOwner {
  /** Tells if a chunk of this length has gone to the operating system once the next one is asked for. */
  waitsFor(length: number): boolean;
  /** Called with a failure that the stream could not pass on, because it was destroyed first. */
  lost(failure: Error): void;
}

interface Waiter {
  resolve(): void;
  reject(error: DisconnectError): void;
}

/** The payload of one reply. */
export class ContentStream extends Readable {
  #chunk: Uint8Array | undefined;
  #isWanted = false;
  #isEnding = false;
  #failure: Error | undefined;
  #waiter: Waiter | undefined;
  readonly #owner: StreamOwner;

  constructor(owner: StreamOwner) {
    super({ highWaterMark: 0 });
    this.#owner = owner;
    // Fastify listens too, but not while its hooks are running.
    this.on('error', () => {});
  }

  /** Gives a chunk. The promise resolves when it has been taken, and rejects if it never will be. */
  deliver(chunk: Uint8Array): Promise<void> {
    if (this.destroyed) return Promise.reject(disconnection('response'));
    this.#chunk = chunk;
    const taken = new Promise<void>((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
    // A listener of the stream may throw, and then nobody gets the promise.
    taken.catch(() => {});
    if (this.#isWanted) this.#pushOn();
    return taken;
  }

  /** Ends the content once all of it has been taken. */
  finish(): void {
    this.#isEnding = true;
    if (this.#isWanted) this.#pushOn();
  }

  /** Breaks the content off, once the given chunk has been taken. */
  fail(error: Error): void {
    this.#failure = error;
    if (this.#chunk === undefined) this.destroy(error);
  }

  override _read(): void {
    this.#isWanted = true;
    if (this.#chunk === undefined) {
      this.#take()?.resolve();
      if (this.#failure !== undefined) this.destroy(this.#failure);
    }
    this.#pushOn();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#take()?.reject(disconnection('response'));
    if (this.#failure !== undefined && this.#failure !== error) this.#owner.lost(this.#failure);
    callback(error);
  }

  #pushOn(): void {
    const chunk = this.#chunk;
    if (chunk !== undefined) {
      this.#chunk = undefined;
      this.#isWanted = false;
      this.push(this.#mayRefer(chunk) ? chunk : Buffer.from(chunk));
    } else if (this.#isEnding && !this.destroyed) {
      this.push(null);
    }
  }

  /** Only a pipe to the response is known not to keep what it gets. */
  #mayRefer({ length }: Uint8Array): boolean {
    return this.listenerCount('data') === 1 && this.#owner.waitsFor(length);
  }

  #take(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }
}
