/** Compresses a stream of content, one chunk after the other. */
import { disconnection } from '../errors.ts';
import { joinOctets } from '../gateway/platform.ts';
import type { CodingStream, ContentCoding } from './content-coding.ts';

/** A compressor of one response. Each method gives what has come out of it, which may be empty. */
export class Compressor {
  readonly #stream: CodingStream;
  #output: Uint8Array[] = [];
  /** Content was added since the last flush. */
  hasMore = false;

  constructor(coding: ContentCoding) {
    this.#stream = coding.createStream();
    this.#stream.on('data', (piece: Uint8Array) => this.#output.push(piece));
    // The callbacks tell it too.
    this.#stream.on('error', () => {});
  }

  /** Adds content. The memory is free once the promise settles. */
  async add(octets: Uint8Array): Promise<Uint8Array> {
    if (octets.length === 0) return this.#take();
    this.hasMore = true;
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(octets, (error) => (error ? reject(this.#failure()) : resolve()));
    });
    return this.#take();
  }

  /** Lets out all that was added. */
  async flush(): Promise<Uint8Array> {
    this.hasMore = false;
    await this.#settle((done) => this.#stream.flush(this.#stream.flushKind, done));
    return this.#take();
  }

  async end(): Promise<Uint8Array> {
    this.hasMore = false;
    await this.#settle((done) => {
      this.#stream.once('end', done);
      this.#stream.end();
    });
    return this.#take();
  }

  /** Frees the memory of zlib. A call that is under way rejects with a departure, or is settled. */
  destroy(): void {
    this.#stream.destroy();
  }

  #failure(): Error {
    return this.#stream.errored ?? disconnection('response');
  }

  /** Waits for a callback, or for the end of the stream. */
  #settle(begin: (done: () => void) => void): Promise<void> {
    const stream = this.#stream;
    return new Promise<void>((resolve, reject) => {
      const leave = (): void => reject(this.#failure());
      if (stream.destroyed) {
        leave();
        return;
      }
      stream.once('close', leave);
      begin(() => {
        stream.off('close', leave);
        resolve();
      });
    });
  }

  #take(): Uint8Array {
    // Emits what waits to be emitted.
    this.#stream.read();
    const pieces = this.#output;
    if (pieces.length === 0) return EMPTY;
    this.#output = [];
    return joinOctets(pieces);
  }
}

const EMPTY = new Uint8Array(0);
