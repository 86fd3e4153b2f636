/**
 * `wsgi.input` over an `InputSource`.
 *
 * All methods share one buffer of pulled but unread octets, so that calls of different methods can be mixed. Calls
 * are served in order. Pieces are pulled only for a read, and at most one piece is buffered: this is the backpressure.
 */
import type { InputSource } from '../port.ts';
import type { InputStream } from '../wsgi.ts';
import { observedSource, type PieceObserver } from './observed-source.ts';
import { joinOctets } from './platform.ts';
import { isPromise } from './promise.ts';

const EMPTY = new Uint8Array(0);
const LF = 0x0a;

/** The state of one read. */
interface Taking {
  readonly limit: number;
  readonly isLine: boolean;
  readonly pieces: Uint8Array[];
  length: number;
}

/** The `wsgi.input` of one request. */
export class Input implements InputStream {
  #source: InputSource | undefined;
  #buffered: Uint8Array = EMPTY;
  #failure: { readonly error: unknown } | undefined;
  /** The latest call, if it has not settled; the next one waits for it. */
  #last: Promise<unknown> | undefined;

  /** The error with which a read failed. */
  get failure(): unknown {
    return this.#failure?.error;
  }

  /** @param source The octets; undefined for a request without content */
  constructor(source?: InputSource) {
    this.#source = source;
  }

  read(size?: number | null): Promise<Uint8Array> {
    return this.#queue(size, (limit) => this.#take(limit, false));
  }

  readline(size?: number | null): Promise<Uint8Array> {
    return this.#queue(size, (limit) => this.#take(limit, true));
  }

  readlines(hint?: number | null): Promise<Uint8Array[]> {
    // A hint of 0 means no hint, as in Python.
    return this.#queue(hint === 0 ? null : hint, async (limit) => {
      const lines: Uint8Array[] = [];
      for (let length = 0; length < limit; ) {
        const line = await this.#take(Number.POSITIVE_INFINITY, true);
        if (line.length === 0) break;
        lines.push(line);
        length += line.length;
      }
      return lines;
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined, void> {
    const source = this.#source;
    source?.beginIteration?.();
    try {
      for (;;) {
        const line = await this.readline();
        if (line.length === 0) return;
        yield line;
      }
    } finally {
      source?.endIteration?.();
    }
  }

  /** Iterates over the content in pieces of any size, as they arrive. Not in PEP 3333. */
  async *chunks(): AsyncGenerator<Uint8Array, undefined, void> {
    const source = this.#source;
    source?.beginIteration?.();
    try {
      for (;;) {
        const piece = await this.#queue(null, () => this.#takeBuffered());
        if (piece.length === 0) return;
        yield piece;
      }
    } finally {
      source?.endIteration?.();
    }
  }

  /** Tells a source that the rest is thrown away. @returns true if the rest counts as read. For wrapped programs */
  skip(): boolean {
    return this.#source?.skip?.() === true;
  }

  /** Shows each piece as it is pulled, and null at the end, to tools that watch the content. For wrapped programs */
  observe(observer: PieceObserver): void {
    if (this.#source !== undefined) this.#source = observedSource(this.#source, observer);
  }

  /** Takes what is buffered, after a pull if that is nothing. */
  async #takeBuffered(): Promise<Uint8Array> {
    await this.#fill();
    const buffered = this.#buffered;
    this.#buffered = EMPTY;
    return buffered;
  }

  /** Runs a read after all earlier reads have settled. */
  #queue<T>(size: number | null | undefined, read: (limit: number) => T | Promise<T>): Promise<T> {
    if (size !== undefined && size !== null && !Number.isInteger(size)) {
      return Promise.reject(new TypeError(`Size must be an integer, not ${String(size)}`));
    }
    const limit = size === undefined || size === null || size < 0 ? Number.POSITIVE_INFINITY : size;
    if (this.#last !== undefined)
      return this.#await(
        this.#last.then(
          () => read(limit),
          () => read(limit),
        ),
      );
    try {
      const result = read(limit);
      return result instanceof Promise ? this.#await(result) : Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Makes the next read wait for this one. */
  #await<T>(result: Promise<T>): Promise<T> {
    this.#last = result;
    const settled = () => {
      if (this.#last === result) this.#last = undefined;
    };
    result.then(settled, settled);
    return result;
  }

  /**
   * Takes up to `limit` octets, or fewer up to and including the first LF.
   *
   * It is synchronous if the octets are available, which avoids promises for content that arrived with its head.
   */
  #take(limit: number, isLine: boolean): Uint8Array | Promise<Uint8Array> {
    const taking: Taking = { limit, isLine, pieces: [], length: 0 };
    while (!this.#isTaken(taking)) {
      const filled = this.#fill();
      if (filled instanceof Promise) return this.#takeLater(taking, filled);
      if (!filled) break;
    }
    return join(taking);
  }

  async #takeLater(taking: Taking, filling: Promise<boolean>): Promise<Uint8Array> {
    let isFilled = await filling;
    while (isFilled && !this.#isTaken(taking)) isFilled = await this.#fill();
    return join(taking);
  }

  /** Takes buffered octets. Gives true if the read is complete. */
  #isTaken(taking: Taking): boolean {
    const { limit, isLine, pieces } = taking;
    if (this.#buffered.length === 0) return limit === 0;
    if (!isLine && this.#buffered.length <= limit - taking.length) return this.#isAllTaken(taking);
    let piece = this.#buffered.subarray(0, limit - taking.length);
    const lf = isLine ? piece.indexOf(LF) : -1;
    if (lf !== -1) piece = piece.subarray(0, lf + 1);
    this.#buffered = this.#buffered.subarray(piece.length);
    if (piece.length > 0) pieces.push(piece);
    taking.length += piece.length;
    return lf !== -1 || taking.length >= limit;
  }

  /** Takes all buffered octets, as it usually is: without a view, which would cost more than a small piece is worth. */
  #isAllTaken(taking: Taking): boolean {
    taking.pieces.push(this.#buffered);
    taking.length += this.#buffered.length;
    this.#buffered = EMPTY;
    return taking.length >= taking.limit;
  }

  /** Pulls octets if none are buffered. Gives false at the end. After a failure every later read rejects. */
  #fill(): boolean | Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure.error;
    while (this.#buffered.length === 0) {
      if (this.#source === undefined) return false;
      try {
        const pulled = this.#source.pull();
        if (isPromise(pulled)) return this.#fillLater(pulled);
        this.#accept(pulled);
      } catch (error) {
        throw this.#fail(error);
      }
    }
    return true;
  }

  async #fillLater(pulled: Promise<Uint8Array | null>): Promise<boolean> {
    try {
      this.#accept(await pulled);
    } catch (error) {
      throw this.#fail(error);
    }
    return this.#fill();
  }

  #accept(piece: Uint8Array | null): void {
    if (piece === null) this.#source = undefined;
    else this.#buffered = piece;
  }

  #fail(error: unknown): unknown {
    this.#failure = { error };
    this.#source = undefined;
    return error;
  }
}

function join({ pieces, length }: Taking): Uint8Array {
  return pieces.length === 1 ? (pieces[0] ?? EMPTY) : joinOctets(pieces, length);
}
