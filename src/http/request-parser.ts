/**
 * The parser of requests: octets in, heads and content out.
 *
 * It is pulled: whoever drives it asks for the next head or the next piece of content when there is use for it, and
 * what nobody has asked for stays buffered. Backpressure, and the order of pipelined requests, follow from that.
 *
 * Rule 1: the outcome never depends on how the octets were cut.
 * Rule 2: whatever is wrong is a ProtocolError, and the last thing that is read (RFC 9112 §2.2, §6.3).
 * Rule 3: linear time, and no more memory than the limits allow, whatever is sent.
 */
import { ContentReader } from './content-parser.ts';
import { HeadReader } from './head-reader.ts';
import type { HttpLimits } from './limits.ts';
import { OctetWindow } from './octet-window.ts';
import type { RequestHead } from './request-head.ts';

/** Between two messages; in the content of one; after an error. */
export type ParserState = 'head' | 'content' | 'failed';

/** Parses the requests of one connection. */
export class RequestParser {
  readonly #window: OctetWindow = new OctetWindow();
  readonly #head: HeadReader;
  readonly #content: ContentReader;
  #state: ParserState = 'head';
  #failure: unknown;
  #refusedMethod: string | undefined;

  /** @param limits They must not change: what was read under them is remembered */
  constructor(limits: HttpLimits) {
    this.#head = new HeadReader(this.#window, limits);
    this.#content = new ContentReader(this.#window, limits);
  }

  /** `head` between two messages, `content` until the content of one was read to its end, `failed` after an error. */
  get state(): ParserState {
    return this.#state;
  }

  /** The method of the head that was begun last, also if it was refused; nothing if it cannot be told. */
  get method(): string | undefined {
    return this.#refusedMethod ?? this.#head.method;
  }

  /** The trailer section of the message that has just ended: name, value, … */
  get trailers(): string[] {
    return this.#content.trailers;
  }

  /** Octets of content that were given out for this message. */
  get contentRead(): number {
    return this.#content.given;
  }

  /** Whether octets of a next head have come; empty lines before it do not count. */
  get hasPartialHead(): boolean {
    return this.#state === 'head' && this.#head.isPartial;
  }

  /** Octets that were handed over and not consumed yet. */
  get bufferedLength(): number {
    return this.#window.length;
  }

  /**
   * Hands over octets, which the parser keeps as they are: they must not be changed afterwards.
   *
   * @param octets Begins with them
   * @param length How many they are
   * @param isLent Whether they may be changed after all, once `keep` has been called
   */
  push(octets: Buffer, length: number = octets.length, isLent = false): void {
    if (this.#state !== 'failed') this.#window.push(octets, length, isLent);
  }

  /** Copies what is left of octets that were lent. */
  keep(): void {
    this.#window.keep();
  }

  /** Gives up everything that was not consumed, for a connection that goes on in another protocol. */
  takeRest(): Buffer {
    return this.#window.take(this.#window.length);
  }

  /**
   * Reads the head of the next message.
   *
   * @returns the head; nothing if more octets are needed
   * @throws {@link ProtocolError}, and the same one at every later call
   * @throws TypeError if the content of the last message was not read to its end
   */
  readHead(): RequestHead | undefined {
    if (this.#state === 'content') throw new TypeError('Read the content to its end before the next head');
    if (this.#state === 'failed') throw this.#failure;
    if (this.#window.length === 0) return undefined;
    try {
      const head = this.#head.read();
      if (head !== undefined) this.#content.begin(head);
      if (!this.#content.isAtEnd) this.#state = 'content';
      return head;
    } catch (error) {
      this.#refusedMethod = this.#head.method;
      throw this.#fail(error);
    }
  }

  /**
   * Reads a piece of content.
   *
   * @returns a view of the octets that were handed over; null if the content has ended; nothing if more octets are
   *   needed
   * @throws {@link ProtocolError}, and the same one at every later call
   */
  readContent(): Buffer | null | undefined {
    if (this.#state === 'failed') throw this.#failure;
    try {
      const piece = this.#content.read();
      if (this.#content.isAtEnd) this.#state = 'head';
      return piece;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): unknown {
    this.#state = 'failed';
    this.#failure = error;
    this.#window.clear();
    return error;
  }
}
