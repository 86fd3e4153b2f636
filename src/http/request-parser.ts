/**
 * The parser of requests: octets in, heads and content out.
 *
 * It is pulled: the caller asks for the next head or piece of content, and the rest stays buffered. Backpressure and
 * the order of pipelined requests follow from that.
 *
 * Rule 1: the outcome never depends on how the octets were cut.
 * Rule 2: every fault is a ProtocolError, and nothing is read after it (RFC 9112 §2.2, §6.3).
 * Rule 3: any input takes linear time, and no more memory than the limits allow.
 */
import type { ProtocolError } from '../errors.ts';
import { ContentParser } from './content-parser.ts';
import { HeadReader } from './head-reader.ts';
import type { HttpLimits } from './limits.ts';
import { OctetWindow } from './octet-window.ts';
import type { RequestHead } from './request-head.ts';

/** The state of a {@link RequestParser}. */
export type ParserState = 'head' | 'content' | 'failed';

/** The place of a fault, for others who parse the same octets. */
export interface FaultPlace {
  /** Native string that leads another parser to where this one stood: the begun part of the message. */
  readonly consumed: string;
  /** The octets from there to the last that was pushed. */
  readonly rest: Buffer;
}

/** Parses the requests of one connection. */
export class RequestParser {
  readonly #window: OctetWindow = new OctetWindow();
  readonly #head: HeadReader;
  readonly #content: ContentParser;
  #state: ParserState = 'head';
  #failure: unknown;
  #faultPlace: FaultPlace | undefined;
  #refusedMethod: string | undefined;

  /** @param limits Fixed for the life of the parser: it remembers heads that it read under them */
  constructor(limits: HttpLimits) {
    this.#head = new HeadReader(this.#window, limits);
    this.#content = new ContentParser(this.#window, limits);
  }

  /** `head` between two messages, `content` until the content is read to its end, `failed` after an error. */
  get state(): ParserState {
    return this.#state;
  }

  /** The method of the last head that was begun, even if it was refused; undefined if it is unknown. */
  get method(): string | undefined {
    return this.#refusedMethod ?? this.#head.method;
  }

  /** Where the parser has failed. */
  get faultPlace(): FaultPlace | undefined {
    return this.#faultPlace;
  }

  /** The trailer section of the message that has just ended: name, value, … */
  get trailers(): string[] {
    return this.#content.trailers;
  }

  /** Octets of content given out for this message. */
  get contentRead(): number {
    return this.#content.given;
  }

  /** Octets of the next head have come. Empty lines before it do not count once `readHead` has skipped them. */
  get hasPartialHead(): boolean {
    return this.#state === 'head' && this.#head.isPartial;
  }

  /** Octets of content that must still be pushed: of all of it, or of the current chunk. */
  get expectedLength(): number {
    return this.#state === 'content' ? Math.max(0, this.#content.remaining - this.#window.length) : 0;
  }

  /** Octets that were pushed and not consumed yet. */
  get bufferedLength(): number {
    return this.#window.length;
  }

  /**
   * Adds octets. The parser may keep them without a copy, so they must not be changed afterwards.
   *
   * @param octets Begins with the new octets
   * @param length How many are new
   * @param isLent They may be changed after the next call of `keep`
   */
  push(octets: Buffer, length: number = octets.length, isLent = false): void {
    if (this.#state !== 'failed') this.#window.push(octets, length, isLent);
  }

  /** Copies the octets that are left, if they were lent. If none are left, lets go of all that were pushed. */
  keep(): void {
    this.#window.keep();
  }

  /** Consumes and gives all octets that are left, for a connection that continues in another protocol. */
  takeRest(): Buffer {
    return this.#window.take(this.#window.length);
  }

  /**
   * Reads the head of the next message.
   *
   * @returns the head; undefined if more octets are needed
   * @throws {@link ProtocolError}, the same one in every later call
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
      throw this.#fail(error, this.#head.consumed);
    }
  }

  /**
   * Reads a piece of content.
   *
   * @returns a view of the pushed octets, or a copy of lent ones; null if the content has ended; undefined if more
   *   octets are needed
   * @throws {@link ProtocolError}, the same one in every later call
   */
  readContent(): Buffer | null | undefined {
    if (this.#state === 'failed') throw this.#failure;
    try {
      const piece = this.#content.read();
      if (this.#content.isAtEnd) this.#state = 'head';
      return piece;
    } catch (error) {
      throw this.#fail(error, this.#content.consumed);
    }
  }

  /**
   * Refuses the head that was just read, for a reason that this parser does not know.
   *
   * @returns the error
   */
  refuse(head: RequestHead, error: ProtocolError): unknown {
    return this.#fail(error, formatHead(head));
  }

  #fail(error: unknown, consumed: string): unknown {
    this.#state = 'failed';
    this.#failure = error;
    this.#faultPlace = { consumed, rest: this.#window.copy(this.#window.length) };
    this.#window.clear();
    return error;
  }
}

function formatHead({ method, target, protocol, rawHeaders }: RequestHead): string {
  let text = `${method} ${target} ${protocol}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    text += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  }
  return `${text}\r\n`;
}
