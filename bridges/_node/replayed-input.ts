/**
 * The content of a request that may be passed on to the next handler of the host, as if nobody had touched it.
 *
 * Puts back in front what the application read. That works only until the stream has told of its end, so it is never read
 * beyond what it has: node ends a stream that is asked for more.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApplicationError } from '../../src/index.ts';
import { hasReceivedEnd } from '../../src/node-internals/index.ts';
import { NodeInput } from './node-input.ts';

/** The content of one request. */
export class ReplayedInput extends NodeInput {
  readonly #maxReplay: number;
  /** The octets that were read, in order; empty once there are too many. */
  #taken: (Uint8Array | string)[] = [];
  #length = 0;
  #isPassed = false;
  #isEnded = false;
  readonly #waiting: ((isWhole: boolean) => void)[] = [];

  /**
   * @param req The request of the host
   * @param res Its response
   * @param maxReplay Octets that may be kept to be put back
   */
  constructor(req: IncomingMessage, res: ServerResponse, maxReplay: number) {
    super(req, res);
    this.#maxReplay = maxReplay;
  }

  /** Nobody has to wait for content that the application throws away: the next handler may want it. */
  skip(): boolean {
    return true;
  }

  whenOver(callback: (isWhole: boolean) => void): void {
    if (this.#isEnded) callback(true);
    else this.#waiting.push(callback);
  }

  protected override ended(): void {
    this.#isEnded = true;
    for (const callback of this.#waiting.splice(0)) callback(true);
  }

  /**
   * Lets the next handler have the request.
   *
   * @returns the error that it gets instead if too much was read
   */
  passOn(): ApplicationError | undefined {
    this.#isPassed = true;
    this.detach();
    for (const callback of this.#waiting.splice(0)) callback(false);
    const taken = this.#taken;
    this.#taken = [];
    if (this.#length > this.#maxReplay) {
      const detail = `the application read ${this.#length} octets of it before its 404, and option maxReplay allows ${this.#maxReplay}`;
      return new ApplicationError('WSGI_ERR_BODY_CONSUMED', detail);
    }
    const { stream } = this;
    if (!stream.destroyed) {
      for (const chunk of taken.reverse()) stream.unshift(chunk, stream.readableEncoding ?? undefined);
    }
    return undefined;
  }

  override release(): void {
    if (!this.#isPassed) super.release();
  }

  protected override get isAtEnd(): boolean {
    return super.isAtEnd || (this.stream.readableLength === 0 && hasReceivedEnd(this.stream));
  }

  protected override readStream(): Uint8Array | string | null {
    const { readableLength } = this.stream;
    // With its exact length, or else node ends the stream after the last octets.
    const chunk: Uint8Array | string | null = readableLength === 0 ? null : this.stream.read(readableLength);
    if (chunk !== null) this.#keep(chunk);
    return chunk;
  }

  #keep(chunk: Uint8Array | string): void {
    this.#length += chunk.length;
    if (this.#length <= this.#maxReplay) this.#taken.push(chunk);
    else this.#taken = [];
  }
}
