/** One response on its way through `compress`: its head, what is written, and its body. */
import { ApplicationError } from '../errors.ts';
import { isPlainArray, toOctets } from '../gateway/body-reader.ts';
import { logError, logOf } from '../gateway/failure-log.ts';
import { isFile } from '../gateway/file-wrapper.ts';
import { joinOctets, onNextTurn } from '../gateway/platform.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { Body, Chunk, Environ, StartResponse, Write } from '../wsgi.ts';
import { chunkSize } from './chunk-size.ts';
import { CompressedBody, type ContentEncoder } from './compressed-body.ts';
import {
  type CompressionOffer,
  declareCoding,
  declaredLength,
  negotiate,
  weakenUnchanged,
} from './compressible.ts';
import { Compressor } from './compressor.ts';
import type { ContentCoding } from './content-coding.ts';
import { type HeldHead, holdHead } from './hold-head.ts';
import { copyHead, type StartedHead } from './started-head.ts';

/** Octets. An array up to this length is compressed at once: that takes less time than the way to another thread and back. */
const SYNCHRONOUS_LIMIT = 16_384;

const EMPTY = new Uint8Array(0);

/** The request, and the settings. */
interface CompressedRequest {
  readonly environ: Environ;
  readonly startResponse: StartResponse;
  readonly codings: ReadonlyMap<string, ContentCoding>;
  readonly offer: CompressionOffer;
}

/** One response. It is the encoder of its own body. */
export class CompressedResponse implements ContentEncoder {
  readonly #request: CompressedRequest;
  readonly #isHead: boolean;
  readonly #held: HeldHead;
  /** The coding of the head that has gone. */
  #coding: ContentCoding | undefined;
  #compressor: Compressor | undefined;
  /** The body was given back as it is. */
  #isPassing = false;
  #isClosed = false;
  /** Octets of content that the application has declared. */
  #declared: number | undefined;
  /** Those that may still come. */
  #left: number | undefined;
  /** The content is a file, and Content-Length may cover a part of it. */
  #isFile = false;
  #hasSurplus = false;
  /** The latest call of `write` that has not been compressed. */
  #writing: Promise<unknown> | undefined;
  /** The application has returned: what comes out now belongs to its body. */
  #hasReturned = false;
  #unsent: Uint8Array[] = [];

  constructor(request: CompressedRequest) {
    this.#request = request;
    this.#isHead = request.environ.REQUEST_METHOD === 'HEAD';
    this.#held = holdHead(request.startResponse, (head, content) => this.#onHead(head, content));
  }

  readonly startResponse: StartResponse = (...call) => {
    const write = this.#held.startResponse(...call);
    return (data) => this.#write(data, write);
  };

  /** Calls the application, and wraps its body. */
  take(call: () => Body | Promise<Body>): Body | Promise<Body> {
    try {
      const body = call();
      return isPromise(body)
        ? toPromise(body).then((given) => this.#wrap(given), this.#fail)
        : this.#wrap(body);
    } catch (error) {
      return this.#fail(error);
    }
  }

  readonly #fail = (error: unknown): never => {
    this.destroy();
    throw error;
  };

  #onHead(head: StartedHead, content: readonly Chunk[] | undefined): void {
    // The head replaces one whose content has not gone.
    this.#compressor?.destroy();
    this.#compressor = undefined;
    this.#coding = undefined;
    const length = content === undefined ? undefined : sizeOf(content);
    const declared = declaredLength(head.headers);
    this.#left = declared;
    this.#declared = declared;
    weakenUnchanged(head, this.#request.environ.HTTP_IF_NONE_MATCH);
    const isMissing = this.#isHead && length === 0;
    // The gateway refuses content that is no content, or not as long as declared.
    const isWrong = !isMissing && length !== undefined && declared !== undefined && length !== declared;
    if (isWrong || Number.isNaN(length)) return;
    const name = negotiate(head, declared ?? (isMissing ? undefined : length), this.#request.offer);
    const coding = name === undefined ? undefined : this.#request.codings.get(name);
    if (coding === undefined || this.#isPassing) return;
    declareCoding(head, coding.name);
    this.#coding = coding;
  }

  #wrap(given: Body): Body {
    this.#hasReturned = true;
    this.#isFile = isFile(given);
    const held = this.#held;
    if (isPlainArray(given)) {
      const hasWritten = held.isSent;
      // An array comes out, because one went in.
      const body = held.body(given) as readonly Chunk[];
      if (this.#coding === undefined) return body;
      return hasWritten ? new CompressedBody(body, this) : this.#wrapArray(body, this.#coding);
    }
    const isUnchanged = held.isSent ? this.#coding === undefined : this.#staysAsItIs();
    this.#isPassing = isUnchanged;
    // A body comes out, because one went in.
    const body = held.body(given) as Body;
    return isUnchanged ? body : new CompressedBody(body, this);
  }

  /** Judges the head before it goes. */
  #staysAsItIs(): boolean {
    const { head } = this.#held;
    if (head === undefined) return false;
    const copy = copyHead(head.status, head.headers.list);
    if (copy === undefined) return true;
    return negotiate(copy, declaredLength(copy.headers), this.#request.offer) === undefined;
  }

  #wrapArray(content: readonly Chunk[], coding: ContentCoding): Body {
    const size = sizeOf(content);
    if (size === 0 && this.#isHead) return content;
    if (size > SYNCHRONOUS_LIMIT) return new CompressedBody(content, this);
    const octets = content.map((chunk) => toOctets(chunk, false));
    return [coding.code(joinOctets(octets, size))];
  }

  /** A call of the `write` that the application was given. */
  #write(data: Chunk, write: Write): Promise<void> {
    this.#held.send();
    const chunk = this.#coding === undefined || this.#isHead ? undefined : octetsOf(data);
    // The gateway refuses what is no chunk.
    if (chunk === undefined) return write(data);
    const added = this.#compressWritten(chunk, this.#writing);
    const sent = added.then((out) => {
      if (!this.#hasReturned) return write(out);
      this.#unsent.push(out);
      return undefined;
    });
    this.#writing = added;
    const settle = (): void => {
      if (this.#writing === added) this.#writing = undefined;
    };
    // The caller may ignore the promise. The body fails with what cannot be compressed, and not with what cannot be sent.
    sent.then(settle, () => added.then(settle, () => {}));
    return sent;
  }

  /** Lets a written chunk out, unless the next one is there already. */
  async #compressWritten(chunk: Uint8Array, earlier: Promise<unknown> | undefined): Promise<Uint8Array> {
    await earlier;
    const out = await this.#encode(chunk);
    const before = this.#writing;
    await new Promise<void>(onNextTurn);
    if (this.#hasReturned || this.#writing !== before || !this.hasMore) return out;
    const flushed = await this.#compressor?.flush();
    return joinPieces(flushed === undefined ? [out] : [out, flushed]);
  }

  written(): Promise<Chunk> | undefined {
    if (this.#writing === undefined && this.#unsent.length === 0) return undefined;
    return this.#takeWritten();
  }

  async #takeWritten(): Promise<Chunk> {
    while (this.#writing !== undefined) {
      const writing = this.#writing;
      await writing;
      // The promise that the caller has got comes first.
      if (this.#writing === writing) await new Promise<void>(onNextTurn);
    }
    const pieces = this.#unsent;
    this.#unsent = [];
    return joinPieces(pieces);
  }

  get hasMore(): boolean {
    return this.#compressor?.hasMore === true;
  }

  get isFull(): boolean {
    return this.#coding !== undefined && this.#left === 0;
  }

  add(chunk: Chunk): Chunk | Promise<Chunk> {
    // A response to HEAD has no content; the chunk only sends the head.
    if (this.#coding === undefined || this.#isHead) return chunk;
    return this.#encode(toOctets(chunk, false));
  }

  #encode(octets: Uint8Array): Promise<Uint8Array> {
    const coding = this.#coding;
    if (this.#isClosed || coding === undefined) return Promise.resolve(EMPTY);
    this.#compressor ??= new Compressor(coding);
    return this.#compressor.add(this.#clamp(octets));
  }

  /** Cuts off what exceeds Content-Length, as the gateway does. */
  #clamp(octets: Uint8Array): Uint8Array {
    const left = this.#left;
    if (left === undefined) return octets;
    this.#left = Math.max(left - octets.length, 0);
    if (octets.length <= left) return octets;
    if (!this.#isFile && !this.#hasSurplus) {
      this.#hasSurplus = true;
      logError(
        logOf(this.#request.environ),
        new ApplicationError('WSGI_ERR_CONTENT_LENGTH_EXCEEDED', this.#declared),
      );
    }
    return octets.subarray(0, left);
  }

  flush(): Promise<Chunk> {
    return this.#compressor?.flush() ?? Promise.resolve(EMPTY);
  }

  end(): Chunk | Promise<Chunk> {
    const coding = this.#coding;
    if (coding === undefined || this.#isHead || this.#isClosed) return EMPTY;
    if (this.#left !== undefined && this.#left > 0) {
      throw new ApplicationError('WSGI_ERR_CONTENT_LENGTH_SHORT', `${this.#left} octets are missing`);
    }
    this.#compressor ??= new Compressor(coding);
    return this.#compressor.end();
  }

  destroy(): void {
    this.#isClosed = true;
    this.#compressor?.destroy();
  }
}

function sizeOf(content: readonly Chunk[]): number {
  return content.reduce((sum, chunk) => sum + chunkSize(chunk), 0);
}

function octetsOf(data: Chunk): Uint8Array | undefined {
  try {
    return toOctets(data, false);
  } catch {
    return undefined;
  }
}

function joinPieces(pieces: readonly Uint8Array[]): Uint8Array {
  const [only = EMPTY] = pieces;
  return pieces.length < 2 ? only : joinOctets(pieces);
}
