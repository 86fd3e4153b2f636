/**
 * Feeds the content of a request from `wsgi.input` into node's request, as fast as the program reads it.
 *
 * node's request asks its socket to resume when its buffer has room; the socket asks here. One piece is under way at
 * a time, so backpressure reaches the client.
 *
 * A feed is `idle`, `reading` (a piece is under way), `stopping` (one is, and nobody wants it) or `over`. Once it reads it is a reader of
 * the content, also while the program pauses and after the response: its iteration of the input stays open until the end or `discard()`.
 *
 * Rule 1: nothing is read before the program reads, and nothing beyond CONTENT_LENGTH (PEP 3333). The gateway tells
 *         how unread content ends, and may read a little ahead for that.
 * Rule 2: the outcome of a read is passed on in its own tick. What a listener throws is then an uncaught exception,
 *         as on node, and not a rejected promise of somebody else.
 */

import {
  connectionReset,
  isHeard,
  isOnlyTouched,
  isPiped,
  type RequestMessage,
} from '../../node-internals/index.ts';
import type { Environ, HeaderList } from '../../wsgi.ts';

/** Octets per `read(n)`, which waits for all of them. */
const READ_SIZE = 65_536;

/** Listener for the end of the content. */
export interface ContentListener {
  /** All of it was passed on, or the rest was left to the gateway. */
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
  #state: 'idle' | 'reading' | 'stopping' | 'over' = 'idle';
  /** The program has begun to read by a pipe, or for a moment: it may have left the request since. */
  wasLeft = false;
  #pieces: AsyncIterator<Uint8Array> | undefined;

  constructor(environ: Environ, request: RequestMessage, listener: ContentListener) {
    this.#environ = environ;
    this.#request = request;
    this.#listener = listener;
    this.#remaining = contentLength(environ, request);
  }

  /** Reads one piece, unless one is under way. */
  resume(): void {
    if (this.#state !== 'idle') return;
    this.wasLeft ||= isPiped(this.#request) || isOnlyTouched(this.#request);
    if (this.#remaining === 0) {
      this.#end();
      return;
    }
    if (this.#skips()) return;
    this.#state = 'reading';
    this.#next().then(
      (piece) => process.nextTick(deliver, this, piece),
      (error: unknown) => process.nextTick(fail, this, error),
    );
  }

  /**
   * Watches content that nobody reads yet, if the gateway tells of its end: node's parser too reaches the end, or a
   * fault, before the program asks.
   */
  watch(): void {
    const trailers = trailersOf(this.#environ);
    if (this.#request.readableFlowing !== null || trailers === undefined) return;
    Promise.resolve<HeaderList>(trailers()).then(
      (fields) => this.#settle(fields),
      (error: unknown) => process.nextTick(fail, this, error),
    );
  }

  /**
   * Leaves the rest to the gateway, which throws it away as far as it wants to. The request ends when the rest has
   * come, or at once if the gateway does not tell.
   */
  discard(): void {
    if (this.#state === 'over') return;
    if (this.#state !== 'idle') {
      this.#state = 'stopping';
      return;
    }
    this.#state = 'over';
    this.#pieces?.return?.().catch(() => {});
    const trailers = trailersOf(this.#environ);
    if (this.#request.complete || trailers === undefined) {
      this.#complete([]);
      return;
    }
    this.#listener.contentEnded();
    // Nobody misses content that never comes: to node's server the exchange is over.
    Promise.resolve<HeaderList>(trailers()).then(
      (fields) => process.nextTick(complete, this, fields),
      () => {},
    );
  }

  /**
   * Ends content that nobody listens to, as in the `resume()` of finalhandler, if the gateway allows it: it may pass
   * the request on to others.
   */
  #skips(): boolean {
    const request = this.#request;
    const isDrain = request.readableFlowing === true && !isHeard(request);
    if (!isDrain || ownInput(this.#environ)?.skip() !== true) return false;
    this.#state = 'over';
    process.nextTick(complete, this, []);
    return true;
  }

  async #next(): Promise<Uint8Array> {
    const input = this.#environ['wsgi.input'];
    // PEP 3333 offers only `read(n)`, which waits for n octets. Our inputs can give what they have, so that a program
    // and its client can talk during the request.
    if (typeof input.chunks !== 'function') return input.read(Math.min(this.#remaining, READ_SIZE));
    this.#pieces ??= input.chunks()[Symbol.asyncIterator]();
    const step = await this.#pieces.next();
    return step.done === true ? EMPTY : step.value;
  }

  deliver(piece: Uint8Array): void {
    const isWanted = this.#state === 'reading' && !this.#request.destroyed;
    this.#state = 'idle';
    if (!isWanted) {
      this.discard();
      return;
    }
    if (piece.length === 0) {
      // CGI and some gateways show a client that left as an end of input.
      if (Number.isFinite(this.#remaining) && this.#remaining > 0) this.fail(connectionReset());
      else this.#end();
      return;
    }
    const content = piece.length <= this.#remaining ? piece : piece.subarray(0, this.#remaining);
    this.#remaining -= content.length;
    this.#request.push(toBuffer(content));
    // node's parser reports the end by itself, after everything that the last piece has set off.
    if (this.#remaining > 0) return;
    this.#state = 'reading';
    setImmediate(end, this);
  }

  end(): void {
    if (!this.#request.destroyed) this.#end();
  }

  fail(error: unknown): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#listener.contentFailed(error);
  }

  #end(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    const trailers = trailersOf(this.#environ);
    if (this.#environ.HTTP_TRANSFER_ENCODING === undefined || trailers === undefined) {
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

  /** Marks all content as received, though some may still wait to be passed on. */
  #settle(fields: HeaderList): void {
    const request = this.#request;
    if (request.complete) return;
    request.complete = true;
    if (fields.length > 0) request._addHeaderLines(fields.flat(), fields.length * 2);
  }
}

/** A gateway's own input. Applications need not know the method. */
interface OwnInput {
  skip(): boolean;
}

/** Gives `wsgi.input` unless middleware has put another one in its place. */
function ownInput(environ: Environ): OwnInput | undefined {
  const input: object = environ['wsgi.input'];
  return 'skip' in input && typeof input.skip === 'function'
    ? // The check before says so.
      (input as OwnInput)
    : undefined;
}

/** Gives `gateway.trailers`, which tells of the end of the gateway's own input. */
function trailersOf(environ: Environ): Environ['gateway.trailers'] {
  const trailers = environ['gateway.trailers'];
  return typeof trailers === 'function' && ownInput(environ) !== undefined ? trailers : undefined;
}

const EMPTY = new Uint8Array(0);

function deliver(feed: ContentFeed, piece: Uint8Array): void {
  feed.deliver(piece);
}

function end(feed: ContentFeed): void {
  feed.end();
}

function fail(feed: ContentFeed, error: unknown): void {
  feed.fail(error);
}

function complete(feed: ContentFeed, fields: HeaderList): void {
  feed.complete(fields);
}

/** Programs for node expect a Buffer. */
function toBuffer(octets: Uint8Array): Buffer {
  if (Buffer.isBuffer(octets)) return octets;
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length);
}

/**
 * Gives the octets that may be read: 0 for none, infinite if only the input knows.
 *
 * RFC 9112 §6.3: without Content-Length and Transfer-Encoding there is no content; from HTTP/2 on there may be.
 */
export function contentLength(environ: Environ, request: RequestMessage): number {
  const { CONTENT_LENGTH } = environ;
  if (CONTENT_LENGTH !== undefined && CONTENT_LENGTH !== '') return Number(CONTENT_LENGTH) || 0;
  if (environ['wsgi.input_terminated'] !== true) return 0;
  const mayHaveContent =
    environ.HTTP_TRANSFER_ENCODING !== undefined ||
    !environ.SERVER_PROTOCOL.startsWith('HTTP/1') ||
    hasLostLength(environ, request);
  return mayHaveContent ? Number.POSITIVE_INFINITY : 0;
}

/** Middleware has removed the length, as it does if it decodes the content; the request says that it has chunks. */
function hasLostLength(environ: Environ, { rawHeaders }: RequestMessage): boolean {
  if (rawHeaders === environ['gateway.raw_headers']) return false;
  return rawHeaders.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'transfer-encoding');
}
