/**
 * Writes content to a stream of HTTP/2, and notes if it moves.
 *
 * Small pieces are copied, so that the application may use their memory again at once. Large ones are sent by reference, in
 * parts: a callback of node's comes when the operating system has a part, so that a slow client is told from one that takes
 * nothing.
 */
import type { ServerHttp2Stream } from 'node:http2';
import type { DisconnectError } from '../../errors.ts';
import { latin1Text, TEXT_LIMIT } from '../../node-internals/index.ts';

/** Octets up to which a piece is copied. */
const COPY_LIMIT = 16_384;

/** Octets of the parts of a large piece: they grow while the client is fast. */
const LEAST_PART = 4_096;
const FIRST_PART = 16_384;
const GREATEST_PART = 262_144;
const GROWTH = 4;

/** Milliseconds in which a fast client takes a part, and after which one is slow. */
const FAST = 50;
const SLOW = 1_000;

/** Something was written, and the clock has not noted when. */
const NOT_NOTED = -1;

interface Waiter {
  resolve(): void;
  reject(error: DisconnectError): void;
}

/** The outgoing half of one stream. */
export class StreamWriter {
  readonly #stream: ServerHttp2Stream;
  /** Calls of node's that have not called back. */
  #pending = 0;
  /** When something moved last, by performance.now(); or NOT_NOTED. */
  #movedAt: number = NOT_NOTED;
  #partSize: number = FIRST_PART;
  #waiter: Waiter | undefined;
  #failure: DisconnectError | undefined;
  #isDrainHeard = false;
  /** The last piece was written. */
  #isLast = false;
  /** Made on demand. */
  #written: (() => void) | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  /** Writes a piece. @returns a promise if the next one should wait; it rejects if the client leaves */
  write(piece: Uint8Array): Promise<void> | undefined {
    if (piece.length > COPY_LIMIT) return this.#writeParts(piece, false);
    this.#note();
    return this.#stream.write(Buffer.from(piece), this.#onWritten) ? undefined : this.#drained();
  }

  /** Writes the last piece, if there is one. @returns a promise if its memory is referred to */
  end(piece: Uint8Array | undefined): Promise<void> | undefined {
    if (piece !== undefined && piece.length > COPY_LIMIT) return this.#writeParts(piece, true);
    // Without a callback, which would cost node more than the look of the clock.
    this.#isLast = true;
    this.#movedAt = NOT_NOTED;
    if (piece === undefined || piece.length === 0) this.#stream.end();
    // A string is copied too, and collected for less than a Buffer.
    else if (piece.length <= TEXT_LIMIT) this.#stream.end(latin1Text(piece), 'latin1');
    else this.#stream.end(Buffer.from(piece));
    return undefined;
  }

  /** Somebody waits for room, or for a large piece to be taken. */
  get isWaiting(): boolean {
    return this.#waiter !== undefined;
  }

  /** The client has left. */
  fail(error: DisconnectError): void {
    this.#failure = error;
    this.#waiter?.reject(error);
    this.#waiter = undefined;
  }

  /** Tells if something has waited for the client for so many milliseconds. */
  isStuck(now: number, timeout: number): boolean {
    const isAwaited = this.#pending > 0 || (this.#isLast && !this.#stream.writableFinished);
    if (!isAwaited) return false;
    if (this.#movedAt === NOT_NOTED) this.#movedAt = now;
    return timeout > 0 && now - this.#movedAt >= timeout;
  }

  #note(): void {
    if (this.#pending === 0) this.#movedAt = NOT_NOTED;
    this.#pending += 1;
  }

  get #onWritten(): () => void {
    const written = (): void => {
      this.#pending -= 1;
      this.#movedAt = NOT_NOTED;
    };
    this.#written ??= written;
    return this.#written;
  }

  #wait(): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
    // The caller may never await it.
    promise.catch(() => {});
    return promise;
  }

  #drained(): Promise<void> {
    if (!this.#isDrainHeard) {
      this.#isDrainHeard = true;
      this.#stream.on('drain', () => this.#settle());
    }
    return this.#wait();
  }

  #settle(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve();
  }

  #writeParts(piece: Uint8Array, isLast: boolean): Promise<void> {
    const wait = this.#wait();
    let offset = 0;
    const next = (): void => {
      if (this.#failure !== undefined) return;
      const part = piece.subarray(offset, offset + this.#partSize);
      offset += part.length;
      const began = performance.now();
      const onTaken = (): void => {
        this.#onWritten();
        this.#adapt(performance.now() - began);
        if (offset < piece.length) next();
        else this.#settle();
      };
      this.#note();
      if (isLast && offset >= piece.length) this.#stream.end(part, onTaken);
      else this.#stream.write(part, onTaken);
    };
    next();
    return wait;
  }

  /** A slow client gets smaller parts: each must be taken within `writeTimeout`. */
  #adapt(duration: number): void {
    if (duration < FAST) this.#partSize = Math.min(this.#partSize * GROWTH, GREATEST_PART);
    else if (duration > SLOW) this.#partSize = Math.max(this.#partSize / GROWTH, LEAST_PART);
  }
}
