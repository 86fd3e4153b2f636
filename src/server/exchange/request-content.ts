/**
 * The content of a request: gives it to the application on demand, and tells the application if it fails.
 *
 * The application pulls, before and after the end of its response. When nobody reads any more, the connection throws
 * the rest away. A reader is a pull that waits, an iteration that is open, and a run that has begun to read. Single
 * pulls after the run have a turn of the event loop each.
 */
import { ApplicationError, DisconnectError, disconnection, ProtocolError } from '../../errors.ts';
import type { RequestHead, RequestParser } from '../../http/index.ts';
import { createClientError } from '../../node-internals/index.ts';
import type { InputSource } from '../../port.ts';
import type { HeaderList } from '../../wsgi.ts';
import type { FairTurn } from '../socket/fair-turn.ts';
import type { Output } from '../socket/output.ts';
import { ContentPieces, type PieceReader } from './content-pieces.ts';
import { TrailerSection } from './trailer-section.ts';

/** Octets that are read ahead for an application that only awaits the end. */
const AHEAD_LIMIT = 65_536;

/** Reads the octets of the content: a parser of HTTP/1.1, or a stream of HTTP/2. */
export type ContentReader = PieceReader &
  Pick<RequestParser, 'state' | 'contentRead' | 'bufferedLength' | 'trailers'>;

/** The connection of a request with content. */
export interface ContentOwner {
  readonly parser: ContentReader;
  readonly output: Pick<Output, 'sendContinue'>;
  /** The client has closed its half: it sends nothing more. */
  readonly isPeerEnded: boolean;
  /** Asks for octets. */
  resume(): void;
  /** The application's turn to ask for content. */
  readonly turn: Pick<FairTurn, 'leave'>;
  /** The client has broken the content, or does not send the rest. */
  onContentFault(error: unknown): void;
}

/** The content as the head announces it. */
export type ContentHead = Pick<RequestHead, 'expectsContinue' | 'isChunked'>;

/** A read that waits for octets of the client. */
interface PendingPull {
  resolve(piece: Uint8Array | null): void;
  reject(error: unknown): void;
}

/** The content of one request, as its connection uses it. */
export type Content = Omit<RequestContent, 'onLost'>;

/** The content of a request that has some. */
export class RequestContent implements InputSource {
  /** It was read to its end. */
  isEnded = false;
  /** The client waits for 100 (Continue). */
  awaitsContinue: boolean;
  /** Called if the client has left in the middle of the content. */
  onLost: ((error: DisconnectError) => void) | undefined;
  /** Octets that were thrown away. */
  discarded = 0;
  readonly #head: ContentHead;
  readonly #owner: ContentOwner;
  readonly #pieces: ContentPieces;
  #isAnswered = false;
  /** The run of the application is not over. */
  #isRunning = false;
  #iterations = 0;
  #pulls = 0;
  /** Pulls when the application got its last turn after the response. */
  #pullsBeforeTurn = -1;
  /** When the application asked last after its response, by performance.now(). */
  lastPull = 0;
  #pendingPull: PendingPull | undefined;
  /** Since when the application waits for the client, by performance.now(). */
  #waitingSince: number | undefined;
  /** Milliseconds that the application has waited for the client, without the current wait. */
  #waited = 0;
  /** Made on demand. */
  #trailerSection: TrailerSection | undefined;
  /** The reason why there is no end, and so no trailers. */
  #failure: { readonly error: unknown } | undefined;
  /** Pieces that were read before the application asked, and their octets. */
  #ahead: Uint8Array[] | undefined;
  #aheadLength = 0;

  constructor(head: ContentHead, owner: ContentOwner) {
    this.#head = head;
    this.#owner = owner;
    this.#pieces = new ContentPieces(owner.parser);
    this.awaitsContinue = head.expectsContinue;
  }

  pull(): Uint8Array | null | Promise<Uint8Array | null> {
    this.#pulls += 1;
    if (this.discarded > 0) {
      throw new ApplicationError(
        'WSGI_ERR_BODY_CONSUMED',
        'the response is over, and the rest was thrown away',
      );
    }
    const piece = this.#read();
    if (this.#isAnswered) this.#noteLatePull();
    if (piece !== undefined) return piece;
    this.#continue();
    this.#owner.resume();
    return new Promise((resolve, reject) => {
      this.#pendingPull = { resolve, reject };
      this.#noteWait();
    });
  }

  #noteLatePull(): void {
    this.lastPull = performance.now();
    if (this.isEnded) this.#owner.turn.leave();
  }

  beginIteration(): void {
    this.#iterations += 1;
  }

  endIteration(): void {
    this.#iterations -= 1;
    this.#readerLeft();
  }

  /** Counts the application as a reader until its run is over, if it has begun to read. */
  follow(run: Promise<void>): void {
    this.#isRunning = true;
    void run.then(() => {
      this.#isRunning = false;
      this.#readerLeft();
    });
  }

  #readerLeft(): void {
    if (this.#isAnswered && !this.#hasReader) this.#owner.turn.leave();
  }

  get #hasReader(): boolean {
    return this.isReading || this.#iterations > 0 || (this.#isRunning && this.#pulls > 0);
  }

  /** It cannot be read to its end. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** The client has left in the middle of it. */
  get isLost(): boolean {
    return this.#failure?.error instanceof DisconnectError;
  }

  /** The application waits for octets of the client. */
  get isReading(): boolean {
    return this.#pendingPull !== undefined;
  }

  /** The application waits for octets of the client, or for a trailer section that comes after them. */
  get isAwaited(): boolean {
    return this.isReading || (this.#trailerSection?.isAwaited === true && this.#aheadLength < AHEAD_LIMIT);
  }

  /**
   * Gives the milliseconds that the application has waited for octets of the client.
   *
   * @param now performance.now()
   */
  waited(now: number): number {
    return this.#waited + (this.#waitingSince === undefined ? 0 : now - this.#waitingSince);
  }

  /** A wait has begun or ended. */
  #noteWait(): void {
    if (this.isAwaited) {
      this.#waitingSince ??= performance.now();
    } else if (this.#waitingSince !== undefined) {
      this.#waited += performance.now() - this.#waitingSince;
      this.#waitingSince = undefined;
    }
  }

  #takePendingPull(): PendingPull | undefined {
    const pending = this.#pendingPull;
    if (pending === undefined) return undefined;
    this.#pendingPull = undefined;
    this.lastPull = performance.now();
    this.#noteWait();
    return pending;
  }

  #read(): Uint8Array | null | undefined {
    const ahead = this.#ahead?.shift();
    if (ahead !== undefined) {
      this.#aheadLength -= ahead.length;
      this.#noteWait();
      return ahead;
    }
    if (this.isEnded) return null;
    const piece = this.#parse();
    if (piece === undefined) this.#failIfLost();
    // Content with a length ends with its last octet, not at the next read.
    else if (this.#owner.parser.state === 'head') this.#end();
    return piece;
  }

  #parse(): Uint8Array | null | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      return this.#pieces.read();
    } catch (error) {
      this.fail(error);
      this.#owner.onContentFault(error);
      throw error;
    }
  }

  #failIfLost(): void {
    if (!this.#owner.isPeerEnded) return;
    const fault = new ProtocolError('WSGI_ERR_CONTENT_INCOMPLETE');
    // node:http's error, for wrapped programs.
    const error = disconnection('request', createClientError(fault));
    this.fail(error);
    this.#owner.onContentFault(fault);
    this.onLost?.(error);
    throw error;
  }

  #end(): void {
    this.isEnded = true;
    this.#trailerSection?.complete(this.#trailerFields());
    this.#noteWait();
  }

  /** RFC 9110 §10.1.1: 100 invites content, so it is sent at a read, if no content has come. */
  #continue(): void {
    if (!this.awaitsContinue) return;
    this.awaitsContinue = false;
    if (this.#owner.parser.contentRead > 0 || this.#owner.parser.bufferedLength > 0) return;
    this.#owner.output.sendContinue();
  }

  /** Octets have come, or none will come any more. */
  onInput(): void {
    if (this.#pendingPull === undefined) {
      if (this.#trailerSection !== undefined) this.#readAhead(AHEAD_LIMIT);
      return;
    }
    try {
      const piece = this.#read();
      if (piece !== undefined) this.#takePendingPull()?.resolve(piece);
    } catch (error) {
      this.#takePendingPull()?.reject(error);
    }
  }

  /**
   * The client sends nothing more: finds out if the content is whole, even if the application has not read it. All
   * that there is has been received, and is no more than a connection buffers.
   */
  onPeerEnd(): void {
    this.onInput();
    this.#readAhead(Number.POSITIVE_INFINITY);
  }

  #readAhead(limit: number): void {
    if (this.isReading) return;
    const ahead = this.#ahead ?? [];
    this.#ahead = undefined;
    try {
      while (!this.isEnded && this.#aheadLength < limit) {
        const piece = this.#read();
        if (piece === undefined) break;
        if (piece === null) continue;
        ahead.push(piece);
        this.#aheadLength += piece.length;
      }
    } catch {
      // The next read tells the application.
    }
    this.#ahead = ahead;
    this.#noteWait();
  }

  /** It cannot be read to its end; a waiting read fails. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#trailerSection?.fail(error);
    this.#noteWait();
    this.#takePendingPull()?.reject(error);
  }

  /**
   * Goes on after the response: the application gets what it asks for, the rest is thrown away.
   *
   * @param isPersistent The connection is kept: it must be known where the content ends
   * @param maxDrainSize Octets that may be thrown away for that
   * @returns the next phase of the connection; `turn` if the application needs a turn to ask for more
   */
  finish(
    isPersistent: boolean,
    maxDrainSize: number,
  ): 'answered' | 'reading' | 'draining' | 'closing' | 'turn' {
    this.#isAnswered = true;
    if (this.isReading) {
      this.onInput();
      // The application has its octets before the next request is served.
      if (!this.isReading) return 'turn';
    }
    if (this.isEnded) return 'answered';
    if (this.#failure === undefined) {
      if (this.#hasReader) return 'reading';
      if (this.#pulls !== this.#pullsBeforeTurn) {
        this.#pullsBeforeTurn = this.#pulls;
        return 'turn';
      }
    }
    if (!isPersistent) return 'closing';
    return this.#discard() ? 'answered' : this.discarded <= maxDrainSize ? 'draining' : 'closing';
  }

  /** Throws away what there is; true at the end. */
  #discard(): boolean {
    for (let piece = this.#read(); piece !== null; piece = this.#read()) {
      if (piece === undefined) return false;
      this.discarded += piece.length;
    }
    return true;
  }

  /** `gateway.trailers`. */
  readonly trailers = (): Promise<HeaderList> => {
    if (this.#trailerSection === undefined) {
      this.#trailerSection = new TrailerSection();
      if (this.isEnded) this.#trailerSection.complete(this.#trailerFields());
      else if (this.#failure !== undefined) this.#trailerSection.fail(this.#failure.error);
      // Finds the end when it comes, even if nobody reads the content.
      else this.#seekEnd();
    }
    const fields = this.#trailerSection.wait();
    this.#noteWait();
    return fields;
  };

  #seekEnd(): void {
    this.#readAhead(AHEAD_LIMIT);
    // A stream of HTTP/2 gives nothing before it is asked.
    if (!this.isEnded && this.#aheadLength < AHEAD_LIMIT) this.#owner.resume();
  }

  #trailerFields(): readonly string[] {
    return this.#head.isChunked ? this.#owner.parser.trailers : [];
  }
}

/** Shared by all requests without content. */
export const NO_CONTENT: Content = {
  isEnded: true,
  awaitsContinue: false,
  isReading: false,
  isAwaited: false,
  hasFailed: false,
  isLost: false,
  discarded: 0,
  lastPull: 0,
  pull: () => null,
  beginIteration: () => {},
  endIteration: () => {},
  follow: () => {},
  waited: () => 0,
  onInput: () => {},
  onPeerEnd: () => {},
  fail: () => {},
  finish: () => 'answered',
  trailers: () => Promise.resolve([]),
};
