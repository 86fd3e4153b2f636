/**
 * The content of a request that arrives as records: FCGI_STDIN.
 *
 * An application may read on after its response. A reader is a read that waits, an iteration that is open, and a run that has begun to
 * read. Single reads after the run have a turn of the event loop each. What nobody reads is thrown away.
 */
import { disconnection } from '../../src/gateway/index.ts';
import { ApplicationError, type InputSource, ProtocolError } from '../../src/index.ts';

/** Octets that wait for their reader, before no more is read of the connection. */
const MAX_HELD = 131_072;

/** The content of one request. */
export class ReceivedContent implements InputSource {
  readonly #setPaused: (isPaused: boolean) => void;
  #held: Uint8Array[] = [];
  #heldSize = 0;
  #remaining = 0;
  #hasEnded = false;
  #isUnwanted = false;
  /** Octets were thrown away, or will be. */
  #hasLost = false;
  #gone: unknown;
  #wake: (() => void) | undefined;
  #hasBegun = false;
  #isRunning = true;
  #iterations = 0;
  #onLeft: (() => void) | undefined;

  /** @param setPaused Reads no more of the connection, or reads on */
  constructor(setPaused: (isPaused: boolean) => void) {
    this.#setPaused = setPaused;
  }

  /** @param length CONTENT_LENGTH; without it the end of the stream is the end of the content */
  expect(length: number | undefined): this {
    this.#remaining = length ?? Number.POSITIVE_INFINITY;
    return this;
  }

  /** Takes octets; none at the end of the stream. */
  take(octets: Uint8Array): void {
    if (octets.length === 0) this.#hasEnded = true;
    else if (!this.#isUnwanted && !this.#hasEnded) {
      this.#held.push(octets);
      this.#heldSize += octets.length;
      if (this.#heldSize >= MAX_HELD) this.#setPaused(true);
    }
    this.#wake?.();
  }

  /** The server has left. */
  leave(cause?: unknown): void {
    this.#gone ??= disconnection('request', cause);
    this.#wake?.();
    this.#look();
  }

  /** The run of the application is over. */
  endRun(): void {
    this.#isRunning = false;
    this.#look();
  }

  /** The response is over. Once nobody reads any more, throws the rest away and calls back. */
  finish(onLeft: () => void): void {
    this.#onLeft = onLeft;
    this.#look();
  }

  /** The request is over: throws the rest away. */
  discard(): void {
    this.#isUnwanted = true;
    this.#hasLost ||= !this.#isComplete;
    this.#onLeft = undefined;
    this.#release();
    this.#wake?.();
  }

  async pull(): Promise<Uint8Array | null> {
    this.#hasBegun = true;
    if (this.#remaining === 0) return null;
    while (this.#isAwaited) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
    // The next read may follow at once.
    if (this.#onLeft !== undefined) setImmediate(() => this.#look());
    const [first, ...others] = this.#held;
    if (first === undefined) return this.#end();
    const size = Math.min(this.#heldSize, this.#remaining);
    const octets = others.length === 0 ? first.subarray(0, size) : Buffer.concat(this.#held, size);
    this.#release();
    this.#remaining -= octets.length;
    return octets;
  }

  beginIteration(): void {
    this.#iterations += 1;
  }

  endIteration(): void {
    this.#iterations -= 1;
    this.#look();
  }

  get #isAwaited(): boolean {
    return this.#held.length === 0 && !this.#hasEnded && !this.#isUnwanted && this.#gone === undefined;
  }

  /** Nothing is left to read. */
  get #isComplete(): boolean {
    return this.#remaining === 0 || (this.#hasEnded && this.#held.length === 0);
  }

  /** The application reads, or may read on. */
  get hasReader(): boolean {
    const isReading = this.#wake !== undefined || this.#iterations > 0 || (this.#isRunning && this.#hasBegun);
    return isReading && !this.#isComplete && this.#gone === undefined;
  }

  #look(): void {
    if (this.#onLeft === undefined || this.hasReader) return;
    const tell = this.#onLeft;
    this.discard();
    tell();
  }

  /** The server sends no more, or the rest was thrown away. */
  #end(): null {
    if (this.#hasEnded && this.#remaining === Number.POSITIVE_INFINITY && !this.#hasLost) return null;
    if (this.#gone !== undefined) throw this.#gone;
    if (!this.#isUnwanted) throw new ProtocolError('WSGI_ERR_CONTENT_INCOMPLETE');
    throw new ApplicationError(
      'WSGI_ERR_BODY_CONSUMED',
      'the response is over, and the rest was thrown away',
    );
  }

  #release(): void {
    this.#held = [];
    this.#heldSize = 0;
    this.#setPaused(false);
  }
}
