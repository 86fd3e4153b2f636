/**
 * The content of a request: from `wsgi.input` into node's request, as fast as somebody reads it.
 *
 * node's request asks its socket to resume when its buffer has room; the socket asks here. One piece is under way at
 * a time, so that backpressure reaches the client.
 *
 * Rule 1: nothing is read before the program reads, and nothing beyond CONTENT_LENGTH (PEP 3333). How content ends
 *         that nobody reads, the gateway tells, which may read a little ahead for that.
 * Rule 2: what comes of a read is handed over in a tick of its own, so that what a listener throws is an uncaught
 *         exception, as on node, and not the rejection of a promise that somebody else owns.
 */

import { connectionReset, type RequestMessage } from '../../node-internals/index.ts';
import type { Environ, HeaderList } from '../../wsgi.ts';

/** Octets asked for at a time where the input gives exactly what it is asked for. */
const READ_SIZE = 65_536;

/** Who is told how the content ended. */
export interface ContentListener {
  /** All of it has been handed over, or the rest left to the gateway. */
  contentEnded(): void;
  /** It cannot be read any further. */
  contentFailed(error: unknown): void;
}

/** Reads the content of one request. */
export class ContentFeed {
  readonly #environ: Environ;
  readonly #request: RequestMessage;
  readonly #listener: ContentListener;
  /** Octets that may still be read. */
  #remaining: number;
  #isReading = false;
  #isOver = false;
  #pieces: AsyncIterator<Uint8Array> | undefined;

  constructor(environ: Environ, request: RequestMessage, listener: ContentListener) {
    this.#environ = environ;
    this.#request = request;
    this.#listener = listener;
    this.#remaining = contentLength(environ);
  }

  /** Reads one piece, unless one is under way. */
  resume(): void {
    if (this.#isReading || this.#isOver) return;
    if (this.#remaining === 0) {
      this.#end();
      return;
    }
    this.#isReading = true;
    this.#next().then(
      (piece) => process.nextTick(deliver, this, piece),
      (error: unknown) => process.nextTick(fail, this, error),
    );
  }

  /**
   * Follows content that nobody reads yet, where the gateway tells of its end: node's parser comes to it, or to what is
   * wrong with it, before somebody asks.
   */
  watch(): void {
    const trailers = this.#environ['gateway.trailers'];
    if (this.#request.readableFlowing !== null || typeof trailers !== 'function') return;
    Promise.resolve<HeaderList>(trailers()).then(
      (fields) => this.#settle(fields),
      (error: unknown) => process.nextTick(fail, this, error),
    );
  }

  /**
   * Leaves what is left to the gateway, which throws it away as far as it wants to. The request ends when it has come;
   * behind a gateway that does not tell when that is, at once.
   */
  discard(): void {
    if (this.#isOver || this.#isReading) return;
    this.#isOver = true;
    const trailers = this.#environ['gateway.trailers'];
    if (this.#request.complete || typeof trailers !== 'function') {
      this.#complete([]);
      return;
    }
    this.#listener.contentEnded();
    // What does not come is nobody's loss: to node's server the exchange is over.
    Promise.resolve<HeaderList>(trailers()).then(
      (fields) => process.nextTick(complete, this, fields),
      () => {},
    );
  }

  async #next(): Promise<Uint8Array> {
    const input = this.#environ['wsgi.input'];
    // PEP 3333 has no more than `read(n)`, which waits for n octets. Our inputs can give what there is, so that a
    // program and its client can talk while the request is under way.
    if (typeof input.chunks !== 'function') return input.read(Math.min(this.#remaining, READ_SIZE));
    this.#pieces ??= input.chunks()[Symbol.asyncIterator]();
    const step = await this.#pieces.next();
    return step.done === true ? EMPTY : step.value;
  }

  deliver(piece: Uint8Array): void {
    this.#isReading = false;
    if (this.#isOver || this.#request.destroyed) return;
    if (piece.length === 0) {
      // CGI programs and some gateways show a client that left as an end of input.
      if (Number.isFinite(this.#remaining) && this.#remaining > 0) this.fail(connectionReset());
      else this.#end();
      return;
    }
    const content = piece.length <= this.#remaining ? piece : piece.subarray(0, this.#remaining);
    this.#remaining -= content.length;
    this.#request.push(toBuffer(content));
    // node's parser tells of the end by itself, when all that the last piece has set off is done.
    if (this.#remaining > 0) return;
    this.#isReading = true;
    setImmediate(end, this);
  }

  end(): void {
    this.#isReading = false;
    if (!this.#request.destroyed) this.#end();
  }

  fail(error: unknown): void {
    this.#isReading = false;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.contentFailed(error);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const trailers = this.#environ['gateway.trailers'];
    if (this.#environ.HTTP_TRANSFER_ENCODING === undefined || typeof trailers !== 'function') {
      this.#complete([]);
      return;
    }
    Promise.resolve<HeaderList>(trailers()).then(
      (fields) => process.nextTick(complete, this, fields),
      () => process.nextTick(complete, this, []),
    );
  }

  complete(fields: HeaderList): void {
    if (!this.#request.destroyed) this.#complete(fields);
  }

  #complete(fields: HeaderList): void {
    this.#settle(fields);
    this.#request.push(null);
    this.#listener.contentEnded();
  }

  /** All has come, though not all need have been handed over. */
  #settle(fields: HeaderList): void {
    const request = this.#request;
    if (request.complete) return;
    request.complete = true;
    if (fields.length > 0) request._addHeaderLines(fields.flat(), fields.length * 2);
  }
}

const EMPTY = new Uint8Array(0);

function deliver(reader: ContentFeed, piece: Uint8Array): void {
  reader.deliver(piece);
}

function end(reader: ContentFeed): void {
  reader.end();
}

function fail(reader: ContentFeed, error: unknown): void {
  reader.fail(error);
}

function complete(reader: ContentFeed, fields: HeaderList): void {
  reader.complete(fields);
}

/** Programs for node expect a Buffer. */
function toBuffer(octets: Uint8Array): Buffer {
  if (Buffer.isBuffer(octets)) return octets;
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length);
}

/**
 * The octets that may be read: 0 for none, infinite where only the input knows.
 *
 * RFC 9112 §6.3: without Content-Length and Transfer-Encoding a request has no content; from HTTP/2 on it may have.
 */
export function contentLength(environ: Environ): number {
  const { CONTENT_LENGTH } = environ;
  if (CONTENT_LENGTH !== undefined && CONTENT_LENGTH !== '') return Number(CONTENT_LENGTH) || 0;
  if (environ['wsgi.input_terminated'] !== true) return 0;
  const mayHaveContent =
    environ.HTTP_TRANSFER_ENCODING !== undefined || !environ.SERVER_PROTOCOL.startsWith('HTTP/1');
  return mayHaveContent ? Number.POSITIVE_INFINITY : 0;
}
