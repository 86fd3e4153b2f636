/**
 * Reads the content of one request from `wsgi.input`: all of it, or as a stream.
 *
 * Nothing is read before the program reads, and nothing beyond CONTENT_LENGTH (PEP 3333).
 */
import { disconnection } from '../../src/gateway/index.ts';
import type { Environ } from '../../src/index.ts';
import { contentLength, InputPieces } from '../_cgi/input-pieces.ts';
import type { FetchContext } from './fetch-context.ts';

/** Octets per read if the length is unknown. */
const BLOCK_SIZE = 65_536;

/** Reads one request. */
export class ContentReader {
  readonly #environ: Environ;
  readonly #context: FetchContext;
  /** Octets that may still be read; infinite if only the input knows the end. */
  #remaining: number;
  #isPulling = false;
  #pieces: InputPieces | undefined;
  /** There is none. */
  readonly isEmpty: boolean;
  /** The program has asked for content, or thrown it away. */
  isDisturbed = false;

  constructor(environ: Environ, context: FetchContext) {
    this.#environ = environ;
    this.#context = context;
    this.#remaining = contentLength(environ);
    this.isEmpty = this.#remaining === 0;
  }

  /** Reads all content. Most of it is there at once, and makes one promise. */
  readAll(): Promise<Uint8Array> {
    this.isDisturbed = true;
    try {
      return Promise.resolve(this.#readPiece(0)).then((piece) => this.#complete(piece));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Reads a piece behind others. Middleware may have put an input of its own in place, which gives octets without a promise. */
  #readPiece(length: number): Promise<Uint8Array> | Uint8Array {
    const wanted = this.#remaining - length;
    return this.#environ['wsgi.input'].read(wanted === Number.POSITIVE_INFINITY ? BLOCK_SIZE : wanted);
  }

  #complete(first: Uint8Array): Uint8Array | Promise<Uint8Array> {
    return first.length === this.#remaining ? first : this.#readOn(first);
  }

  async #readOn(first: Uint8Array): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (let piece = first; piece.length > 0; piece = await this.#readPiece(length)) {
      const wanted = this.#remaining - length;
      pieces.push(piece.length > wanted ? piece.subarray(0, wanted) : piece);
      length += Math.min(piece.length, wanted);
      if (length >= this.#remaining) break;
    }
    if (this.#isCut(length)) throw disconnection('request');
    return pieces.length === 1 ? first.subarray(0, length) : join(pieces, length);
  }

  /** Gives a stream that reads a piece when it is asked for one. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.#cancel() },
      { highWaterMark: 0 },
    );
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.isDisturbed = true;
    this.#pieces ??= this.#open();
    this.#isPulling = true;
    const piece = await this.#pieces.next(this.#remaining).finally(() => {
      this.#isPulling = false;
    });
    if (piece.length === 0) {
      if (this.#isCut(0)) throw disconnection('request');
      controller.close();
      return;
    }
    this.#remaining -= piece.length;
    // A copy: the reader may transfer its memory, and the host may hold other parts of that.
    controller.enqueue(new Uint8Array(piece));
    if (this.#remaining > 0) return;
    controller.close();
    await this.#pieces.close();
  }

  /** The input ended before its announced length. */
  #isCut(length: number): boolean {
    return length < this.#remaining && this.#remaining !== Number.POSITIVE_INFINITY;
  }

  #open(): InputPieces {
    // A program that has stopped to read would hold up the next request of the connection.
    this.#environ['gateway.on_finished']?.(() => this.#context.whenIdle(() => this.#leave()));
    return new InputPieces(this.#environ['wsgi.input']);
  }

  #leave(): void {
    // A read that is under way goes on, and what follows it.
    if (!this.#isPulling) this.#pieces?.close().catch(ignore);
  }

  async #cancel(): Promise<void> {
    this.isDisturbed = true;
    // The iteration cannot end before a read that is under way has settled.
    if (this.#isPulling) this.#pieces?.close().catch(ignore);
    else await this.#pieces?.close();
  }
}

function ignore(): void {}

function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let end = 0;
  for (const piece of pieces) {
    joined.set(piece, end);
    end += piece.length;
  }
  return joined;
}
