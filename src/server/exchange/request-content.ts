/**
 * The content of a request on its way to the application: read when it is wanted, told when it fails.
 *
 * One of three reads it: the application, by pulling; the connection, which throws away what nobody wanted; or nobody,
 * when the client leaves amid of it. The application may pull before and after its response has ended.
 */
import { DisconnectError, disconnection, ProtocolError } from '../../errors.ts';
import type { RequestHead, RequestParser } from '../../http/index.ts';
import { createClientError } from '../../node-internals/index.ts';
import type { InputSource } from '../../port.ts';
import type { HeaderList } from '../../wsgi.ts';
import type { Output } from '../socket/output.ts';
import { ContentPieces } from './content-pieces.ts';
import { TrailerSection } from './trailer-section.ts';

const NOTHING = Buffer.alloc(0);

/** Octets that are read ahead of an application that only wants to know of the end. */
const AHEAD_LIMIT = 65_536;

/** What content asks of its exchange and its connection. */
export interface ContentOwner {
  readonly parser: RequestParser;
  readonly output: Output;
  /** Whether the client has said that it sends nothing more. */
  readonly isPeerEnded: boolean;
  /** Octets are wanted. */
  resume(): void;
}

/** A read that waits for octets of the client. */
interface PendingPull {
  /** performance.now() */
  readonly since: number;
  resolve(piece: Uint8Array | null): void;
  reject(error: unknown): void;
}

/** The content of one request, as its connection sees it. */
export type Content = Omit<RequestContent, 'onLost'>;

/** The content of one request that has some. */
export class RequestContent implements InputSource {
  /** Whether it has been read to its end. */
  isEnded = false;
  /** Whether the client waits for 100 (Continue). */
  awaitsContinue: boolean;
  /** Called when the client turns out to have left amid the content. */
  onLost: ((error: DisconnectError) => void) | undefined;
  /** Octets that were thrown away. */
  discarded = 0;
  readonly #head: RequestHead;
  readonly #owner: ContentOwner;
  readonly #pieces: ContentPieces;
  #isFinishing = false;
  #pendingPull: PendingPull | undefined;
  /** Milliseconds that the application has waited for octets of the client, but for the wait that goes on. */
  #waited = 0;
  /** Made when somebody asks for it. */
  #trailerSection: TrailerSection | undefined;
  /** Why there is no end, and so no trailers. */
  #failure: { readonly error: unknown } | undefined;
  /** Pieces that were read ahead of the application, to see whether they are all, and how many octets they have. */
  #ahead: Uint8Array[] | undefined;
  #aheadLength = 0;

  constructor(head: RequestHead, host: ContentOwner) {
    this.#head = head;
    this.#owner = host;
    this.#pieces = new ContentPieces(host.parser);
    this.awaitsContinue = head.expectsContinue;
  }

  /** {@link InputSource} */
  pull(): Uint8Array | null | Promise<Uint8Array | null> {
    const piece = this.#read();
    if (piece !== undefined) return piece;
    this.#continue();
    this.#owner.resume();
    return new Promise((resolve, reject) => {
      this.#pendingPull = { since: performance.now(), resolve, reject };
    });
  }

  /** Whether the client left amid of it. */
  get isLost(): boolean {
    return this.#failure?.error instanceof DisconnectError;
  }

  /** Whether the application waits for octets of the client. */
  get isReading(): boolean {
    return this.#pendingPull !== undefined;
  }

  /**
   * The milliseconds that the application has waited for octets of the client, all waits together.
   *
   * @param now performance.now()
   */
  waited(now: number): number {
    return this.#waited + (this.#pendingPull === undefined ? 0 : now - this.#pendingPull.since);
  }

  #takePendingPull(): PendingPull | undefined {
    const pending = this.#pendingPull;
    if (pending === undefined) return undefined;
    this.#pendingPull = undefined;
    this.#waited += performance.now() - pending.since;
    return pending;
  }

  #read(): Uint8Array | null | undefined {
    const ahead = this.#ahead?.shift();
    if (ahead !== undefined) {
      this.#aheadLength -= ahead.length;
      return ahead;
    }
    if (this.isEnded) return null;
    const piece = this.#parse();
    if (piece === undefined) this.#failIfLost();
    // Content with a length ends with its last octet, and not when somebody asks for more.
    else if (this.#owner.parser.state === 'head') this.#end();
    return piece;
  }

  #parse(): Uint8Array | null | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      return this.#pieces.read();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  #failIfLost(): void {
    if (!this.#owner.isPeerEnded) return;
    // What node:http calls it, for wrapped programs.
    const cause = createClientError(new ProtocolError('WSGI_ERR_CONTENT_INCOMPLETE'), NOTHING);
    const error = disconnection('request', cause);
    this.fail(error);
    this.onLost?.(error);
    throw error;
  }

  #end(): void {
    this.isEnded = true;
    this.#trailerSection?.complete(this.#trailerFields());
  }

  /** RFC 9110 §10.1.1: 100 invites content, so it is sent when somebody wants some and none has come. */
  #continue(): void {
    if (!this.awaitsContinue) return;
    this.awaitsContinue = false;
    if (this.#owner.parser.contentRead > 0 || this.#owner.parser.bufferedLength > 0) return;
    this.#owner.output.add('HTTP/1.1 100 Continue\r\n\r\n');
    this.#owner.output.flush();
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
   * The client sends nothing more: finds out whether what it sent is whole, though the application has not read it.
   * What there is of it has been received, and is no more than a connection buffers.
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
      // The read that comes will tell the application.
    }
    this.#ahead = ahead;
  }

  /** It cannot be read to its end, and who waits for it learns why. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#trailerSection?.fail(error);
    this.#takePendingPull()?.reject(error);
  }

  /**
   * Goes on after the response: the application has what it asks for, the rest is thrown away.
   *
   * @returns whether the end has come, more octets are needed, or the application needs a turn to ask for more
   */
  finish(): 'ended' | 'waits' | 'turn' {
    if (this.isReading) {
      this.onInput();
      return this.isReading ? 'waits' : 'turn';
    }
    if (!this.#isFinishing) {
      this.#isFinishing = true;
      return 'turn';
    }
    for (;;) {
      const piece = this.#read();
      if (piece === null) return 'ended';
      if (piece === undefined) return 'waits';
      this.discarded += piece.length;
    }
  }

  /** `gateway.trailers`. */
  readonly trailers = (): Promise<HeaderList> => {
    if (this.#trailerSection === undefined) {
      this.#trailerSection = new TrailerSection();
      if (this.isEnded) this.#trailerSection.complete(this.#trailerFields());
      else if (this.#failure !== undefined) this.#trailerSection.fail(this.#failure.error);
      // Who asks learns of the end when it comes, and not when the content is read.
      else this.#readAhead(AHEAD_LIMIT);
    }
    return this.#trailerSection.wait();
  };

  #trailerFields(): readonly string[] {
    return this.#head.isChunked ? this.#owner.parser.trailers : [];
  }
}

/** The content of all requests that have none, which are most. */
export const NO_CONTENT: Content = {
  isEnded: true,
  awaitsContinue: false,
  isReading: false,
  isLost: false,
  discarded: 0,
  pull: () => null,
  waited: () => 0,
  onInput: () => {},
  onPeerEnd: () => {},
  fail: () => {},
  finish: () => 'ended',
  trailers: () => Promise.resolve([]),
};
