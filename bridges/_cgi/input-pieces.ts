/** Reads `wsgi.input` piece by piece. */
import type { InputStream } from '../../src/index.ts';

/** Octets per `read(n)`. */
const BLOCK_SIZE = 65_536;

const EMPTY = new Uint8Array(0);

/** The pieces of an input. */
export class InputPieces {
  readonly #input: InputStream;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  /** Of a piece that was larger than wanted. */
  #rest: Uint8Array | undefined;

  constructor(input: InputStream) {
    this.#input = input;
  }

  /**
   * Gives the next octets as they arrive, at most `most`; none at the end.
   *
   * PEP 3333 offers only `read(n)`, which waits for n octets. Our inputs can give what they have, so that a program and its
   * client can talk during the request.
   */
  async next(most: number): Promise<Uint8Array> {
    const input = this.#input;
    if (typeof input.chunks !== 'function') return input.read(Math.min(most, BLOCK_SIZE));
    let piece = this.#rest;
    if (piece === undefined) {
      this.#iterator ??= input.chunks()[Symbol.asyncIterator]();
      const step = await this.#iterator.next();
      piece = step.done === true ? EMPTY : step.value;
    }
    this.#rest = piece.length > most ? piece.subarray(most) : undefined;
    return piece.subarray(0, most);
  }

  /** Leaves the rest to the gateway. No `next` runs, and none follows. */
  async close(): Promise<void> {
    await this.#iterator?.return?.();
  }
}
