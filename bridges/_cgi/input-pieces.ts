/** Reads `wsgi.input` piece by piece, and tells how much of it may be read. */
import type { Environ, InputStream } from '../../src/index.ts';

/** Octets per `read(n)`. */
const BLOCK_SIZE = 65_536;

const EMPTY = new Uint8Array(0);

/** The pieces of an input. */
export class InputPieces {
  readonly #input: InputStream;
  #iterator: AsyncIterator<Uint8Array> | undefined;

  constructor(input: InputStream) {
    this.#input = input;
  }

  /**
   * Gives the next octets as they arrive; none at the end.
   *
   * PEP 3333 offers only `read(n)`, which waits for n octets. Our inputs can give what they have, so that a program and its
   * client can talk during the request.
   *
   * @param most Octets that are left of CONTENT_LENGTH. What an input gives beyond them is dropped (PEP 3333)
   */
  async next(most: number): Promise<Uint8Array> {
    const input = this.#input;
    if (typeof input.chunks !== 'function') return input.read(Math.min(most, BLOCK_SIZE));
    this.#iterator ??= input.chunks()[Symbol.asyncIterator]();
    const step = await this.#iterator.next();
    if (step.done === true) return EMPTY;
    return step.value.length > most ? step.value.subarray(0, most) : step.value;
  }

  /** Leaves the rest to the gateway. No `next` runs, and none follows. */
  async close(): Promise<void> {
    await this.#iterator?.return?.();
  }
}

/** Methods whose requests have content only if they say so. */
const BARE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/**
 * Gives the octets that may be read: 0 for none, infinite if only the input knows.
 *
 * RFC 9112 §6.3: without Content-Length and Transfer-Encoding there is no content. From HTTP/2 on there may be, and also
 * if middleware has decoded the content and so removed its length.
 */
export function contentLength(environ: Environ): number {
  const { CONTENT_LENGTH } = environ;
  if (CONTENT_LENGTH !== undefined && CONTENT_LENGTH !== '') return Number(CONTENT_LENGTH) || 0;
  if (environ['wsgi.input_terminated'] !== true) return 0;
  const isBare =
    environ.HTTP_TRANSFER_ENCODING === undefined &&
    environ.SERVER_PROTOCOL.startsWith('HTTP/1') &&
    BARE.has(environ.REQUEST_METHOD);
  return isBare ? 0 : Number.POSITIVE_INFINITY;
}
