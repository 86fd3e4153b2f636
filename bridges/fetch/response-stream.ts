/**
 * The body of a streamed `Response`: a ReadableStream that is fed by the application.
 *
 * A chunk is copied, because its reader may keep it, and the application may use its memory again. The promise of a chunk
 * settles when the reader asks for the next one: until then the application is not asked for more.
 */
import { onNextTurn } from '../../src/gateway/index.ts';

interface Given {
  resolve(): void;
  reject(error: unknown): void;
}

/** Feeds one stream. */
export class ResponseStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #onCancel: (reason: unknown) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** A reader waits for a chunk. */
  #isWanted = false;
  /** A chunk that no reader has asked for yet. */
  #waiting: Uint8Array | undefined;
  /** The promise of the latest chunk, and what settles it. */
  #taken: Promise<void> | undefined;
  #given: Given | undefined;
  #isEnding = false;
  /** Octets that the declared length still allows. */
  #remaining: number;
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param length The octets of the content, if they are known. The stream ends with the last one: a reader who has them all need not ask
   *   again, and leaves nothing by cancelling it
   * @param onCancel Called if the reader cancels the stream: it wants no more
   */
  constructor(length: number | undefined, onCancel: (reason: unknown) => void) {
    this.#remaining = length ?? Number.POSITIVE_INFINITY;
    this.#onCancel = onCancel;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#want(),
        cancel: (reason) => this.#cancel(reason),
      },
      // Nothing is asked for before somebody reads.
      { highWaterMark: 0 },
    );
  }

  /** Gives a chunk. The promise settles when the next one is asked for, or rejects if the stream fails before. */
  give(chunk: Uint8Array): Promise<void> {
    this.#remaining -= chunk.length;
    if (this.#remaining <= 0) this.#isEnding = true;
    this.#taken = new Promise((resolve, reject) => {
      this.#given = { resolve, reject };
      const copy = new Uint8Array(chunk);
      if (this.#isWanted) this.#deliver(copy);
      else this.#waiting = copy;
    });
    return this.#taken;
  }

  /** Ends the stream, with or without a last chunk. Gives a promise if a chunk has to wait for a reader. */
  end(lastChunk: Uint8Array): Promise<void> | undefined {
    if (lastChunk.length > 0) {
      this.#isEnding = true;
      return this.give(lastChunk);
    }
    const hasClosed = this.#isEnding && this.#waiting === undefined;
    this.#isEnding = true;
    if (this.#waiting !== undefined) return this.#taken;
    if (!hasClosed) this.#close();
    return undefined;
  }

  /**
   * Fails the stream after the chunk that waits, if there is one. Its reader has a turn to send what it has: some runtimes
   * throw that away when the stream fails (Bun 1.4).
   */
  fail(error: unknown): void {
    if (this.#waiting === undefined) onNextTurn(() => this.cut(error));
    else this.#failure = { error };
  }

  /** Fails the stream at once. */
  cut(error: unknown): void {
    this.#waiting = undefined;
    this.#controller?.error(error);
    this.#given?.reject(error);
    this.#given = undefined;
  }

  #want(): void {
    const chunk = this.#waiting;
    if (chunk !== undefined) {
      this.#waiting = undefined;
      this.#deliver(chunk);
      return;
    }
    this.#isWanted = true;
    this.#given?.resolve();
    this.#given = undefined;
  }

  #deliver(chunk: Uint8Array): void {
    this.#isWanted = false;
    this.#controller?.enqueue(chunk);
    if (this.#failure !== undefined) this.fail(this.#failure.error);
    if (this.#isEnding) this.#close();
  }

  #close(): void {
    this.#controller?.close();
    this.#given?.resolve();
    this.#given = undefined;
  }

  #cancel(reason: unknown): void {
    this.#waiting = undefined;
    this.#onCancel(reason);
  }
}
