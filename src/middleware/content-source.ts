/**
 * A source of octets over the `wsgi.input` of an environ, for middleware that puts its own input in its place.
 *
 * Rule 1: nothing is read before somebody asks, and never beyond CONTENT_LENGTH, unless the input ends by itself (PEP 3333).
 * Rule 2: an iteration over the new input is one over the old input, so that the host knows that its reader comes back.
 */
import type { InputSource } from '../port.ts';
import type { Environ } from '../wsgi.ts';

/** Octets of one read from an input without `chunks`. */
const READ_SIZE = 8192;

/** Tells if a request may have content. Over HTTP/1 content has a length, or a transfer coding (RFC 9112 §6.3). */
export function mayHaveContent(environ: Readonly<Environ>): boolean {
  // PEP 3333: it may be empty, which says as much as its absence.
  if (environ.CONTENT_LENGTH) return Number(environ.CONTENT_LENGTH) > 0;
  if (environ['wsgi.input_terminated'] !== true) return false;
  return environ.HTTP_TRANSFER_ENCODING !== undefined || !environ.SERVER_PROTOCOL.startsWith('HTTP/1');
}

/** Makes the source. */
export function contentSource(environ: Readonly<Environ>): InputSource {
  return new ContentSource(environ);
}

class ContentSource implements InputSource {
  readonly #input: Environ['wsgi.input'];
  /** Octets that may be read. */
  #left: number;
  #iterations = 0;
  #iterator: AsyncIterator<Uint8Array> | undefined;

  constructor(environ: Readonly<Environ>) {
    this.#input = environ['wsgi.input'];
    const isTerminated = environ['wsgi.input_terminated'] === true;
    this.#left = isTerminated ? Number.POSITIVE_INFINITY : Number(environ.CONTENT_LENGTH || 0);
  }

  async pull(): Promise<Uint8Array | null> {
    if (!(this.#left > 0)) return null;
    const piece = await this.#read();
    this.#left -= piece.length;
    return piece.length === 0 ? null : piece;
  }

  async #read(): Promise<Uint8Array> {
    // Gateways of others may not have `chunks`, and an input that does not end must be read by size.
    if (this.#left !== Number.POSITIVE_INFINITY || typeof this.#input.chunks !== 'function') {
      return this.#input.read(Math.min(this.#left, READ_SIZE));
    }
    const iterator = this.#iterator ?? this.#input.chunks()[Symbol.asyncIterator]();
    if (this.#iterations > 0) this.#iterator = iterator;
    const { done, value } = await iterator.next();
    if (this.#iterator === undefined) await iterator.return?.();
    return done === true ? EMPTY : value;
  }

  beginIteration(): void {
    this.#iterations += 1;
  }

  endIteration(): void {
    this.#iterations -= 1;
    const iterator = this.#iterator;
    if (this.#iterations > 0 || iterator === undefined) return;
    this.#iterator = undefined;
    // It waits for nothing, and fails only as the read did.
    iterator.return?.().then(undefined, () => {});
  }

  skip(): boolean {
    // An input of ours has this method.
    const { skip } = this.#input as { skip?(): boolean };
    return typeof skip === 'function' && skip.call(this.#input);
  }
}

const EMPTY = new Uint8Array(0);
