/** The content of a request that arrives as records: FCGI_STDIN. */
import { disconnection } from '../../src/gateway/index.ts';
import { type InputSource, ProtocolError } from '../../src/index.ts';

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
  #gone: unknown;
  #wake: (() => void) | undefined;

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
  }

  /** The response is over: the rest is thrown away. */
  discard(): void {
    this.#isUnwanted = true;
    this.#release();
  }

  async pull(): Promise<Uint8Array | null> {
    if (this.#remaining === 0) return null;
    while (this.#held.length === 0 && !this.#hasEnded && this.#gone === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
    const [first, ...others] = this.#held;
    if (first === undefined) return this.#end();
    const size = Math.min(this.#heldSize, this.#remaining);
    const octets = others.length === 0 ? first.subarray(0, size) : Buffer.concat(this.#held, size);
    this.#release();
    this.#remaining -= octets.length;
    return octets;
  }

  /** The server sends no more. */
  #end(): null {
    if (this.#hasEnded && this.#remaining === Number.POSITIVE_INFINITY) return null;
    throw this.#gone ?? new ProtocolError('WSGI_ERR_CONTENT_INCOMPLETE');
  }

  #release(): void {
    this.#held = [];
    this.#heldSize = 0;
    this.#setPaused(false);
  }
}
