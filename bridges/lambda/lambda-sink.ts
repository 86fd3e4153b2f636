/**
 * Collects a response, because Lambda passes a result on when it is complete.
 *
 * Rule 1: nothing has left before the end, so a response that fails in the middle becomes a 500, too.
 * Rule 2: a response that the platform would refuse is refused here, where the log says why. It is refused as soon as it
 *         is too large: a response without an end must not fill the memory.
 */
import { isUtf8 } from 'node:buffer';
import { failureResponse, isDisconnection } from '../../src/gateway/index.ts';
import { ApplicationError, type ResponseHead, type ResponseSink } from '../../src/index.ts';
import type { LambdaResult, ResultHead } from './result.ts';

/** Settings of the sinks of one handler and one shape of events. */
export interface SinkSettings {
  /** The request is a HEAD request. */
  readonly isHead: boolean;
  /** Octets of a response; of the JSON for a collected one. */
  readonly limit: number;
  readonly base64: 'auto' | 'always';
  readonly exposeErrors: boolean;
  formatHead(head: ResponseHead): ResultHead;
}

/** The reason why there is no response; a box, because applications may throw undefined. */
export interface InvocationFailure {
  readonly error: unknown;
}

/** Takes the response to one event. */
export class LambdaSink implements ResponseSink {
  result: LambdaResult | undefined;
  /** The program has cut its response off: the invocation fails. */
  failure: InvocationFailure | undefined;
  readonly #settings: SinkSettings;
  readonly #pieces: Buffer[] = [];
  #length = 0;
  #head: ResponseHead | undefined;

  constructor(settings: SinkSettings) {
    this.#settings = settings;
  }

  writeHead(head: ResponseHead): void {
    this.#head = head;
    if (!head.isBodiless) checkSize(head.contentLength ?? 0, this.#settings.limit);
  }

  write(chunk: Uint8Array): undefined {
    this.#length += chunk.length;
    checkSize(this.#length, this.#settings.limit);
    if (chunk.length > 0) this.#pieces.push(Buffer.from(chunk));
  }

  end(lastChunk?: Uint8Array): undefined {
    const head = this.#head;
    if (head === undefined) throw new TypeError('Head must come before the end');
    if (lastChunk === undefined) this.#complete(head, this.#pieces);
    else this.#complete(head, [...this.#pieces, lastChunk]);
  }

  #complete(head: ResponseHead, pieces: readonly Uint8Array[]): void {
    const { limit } = this.#settings;
    const [first] = pieces;
    const content = pieces.length === 1 && first !== undefined ? viewOf(first) : Buffer.concat(pieces);
    checkSize(content.length, limit);
    const result = this.#makeResult(head, content);
    const size = sizeOf(result, limit);
    if (size > limit) throw tooLarge(size, limit);
    this.result = result;
  }

  #makeResult(head: ResponseHead, content: Buffer): LambdaResult {
    const { base64, formatHead } = this.#settings;
    const isBase64Encoded = content.length > 0 && (base64 === 'always' || !isText(head, content));
    const body = content.toString(isBase64Encoded ? 'base64' : 'utf8');
    return { ...formatHead(head), body, isBase64Encoded };
  }

  abort(error: unknown): void {
    if (isDisconnection(error)) {
      this.failure = { error };
      return;
    }
    const { isHead, exposeErrors } = this.#settings;
    const { head, content } = failureResponse(error, isHead, exposeErrors);
    this.result = this.#makeResult(head, isHead ? Buffer.alloc(0) : viewOf(content));
  }

  /** Lambda tells nobody that a client has left. */
  watch(): void {}
}

/**
 * Tells if JSON can have content as text without loss. Encoded content is taken for none, because some of it happens to be
 * UTF-8 and the form of a result should not depend on that.
 */
function isText({ headers }: ResponseHead, content: Buffer): boolean {
  return isUtf8(content) && headers.every(([name, value]) => !isCoding(name, value));
}

function isCoding(name: string, value: string): boolean {
  return name.toLowerCase() === 'content-encoding' && value.toLowerCase() !== 'identity';
}

/** Gives the octets of a result as JSON. A small one, which is less than the limit in any case, is not formatted. */
function sizeOf(result: LambdaResult, limit: number): number {
  // A code unit is at most six octets of JSON.
  const { body, ...head } = result;
  const headSize = Buffer.byteLength(JSON.stringify(head));
  return headSize + body.length * 6 < limit ? 0 : Buffer.byteLength(JSON.stringify(result));
}

/** @throws ApplicationError if there are more octets than a platform takes */
export function checkSize(size: number, limit: number): void {
  if (size > limit) throw tooLarge(size, limit);
}

function tooLarge(size: number, limit: number): ApplicationError {
  return new ApplicationError('WSGI_ERR_RESPONSE_TOO_LARGE', `${size} octets, and the limit is ${limit}`);
}

/** Gives a Buffer over the same memory. */
export function viewOf(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}
