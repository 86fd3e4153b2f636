/**
 * Sends the content of a request to the worker, as far as its application reads.
 *
 * Nothing is read from `wsgi.input` before the application reads, and nothing beyond CONTENT_LENGTH (PEP 3333).
 */
import type { Environ } from '../../src/index.ts';
import { contentLength, InputPieces } from '../_cgi/input-pieces.ts';
import { encodeFrame, encodeFrameHeader, FRAMES } from './frames.ts';

/** Octets up to which a piece is copied behind the header of its frame, so that both are one write. */
const COPIED = 65_536;

/** Sends octets to the worker. */
export interface ContentReceiver {
  send(octets: Uint8Array): void;
}

/** The content of one request. */
export class RequestContent {
  readonly #environ: Environ;
  readonly #receiver: ContentReceiver;
  /** Octets that may still be read from the input. */
  #remaining: number;
  /** Octets that the worker has asked for and not got; below 0 if the last piece was larger. */
  #wanted = 0;
  #state: 'idle' | 'reading' | 'over' = 'idle';
  #pieces: InputPieces | undefined;
  /** The error with which reading failed. */
  failure: unknown;

  constructor(environ: Environ, receiver: ContentReceiver) {
    this.#environ = environ;
    this.#receiver = receiver;
    this.#remaining = contentLength(environ);
  }

  /** The application waits for content that the client has not sent. */
  get isOwed(): boolean {
    return this.#state === 'reading';
  }

  /** Sends up to so many octets more. */
  want(octets: number): void {
    this.#wanted += octets;
    if (this.#state === 'idle') void this.#read();
  }

  /** Stops reading; the rest belongs to the gateway. */
  stop(): void {
    if (this.#state === 'over') return;
    const isWaiting = this.#state === 'reading';
    this.#state = 'over';
    // The iteration of a read that is under way cannot end before it has settled.
    if (!isWaiting) this.#leave();
  }

  #leave(): void {
    this.#pieces?.close().catch(() => {});
  }

  async #read(): Promise<void> {
    this.#state = 'reading';
    try {
      while (this.#wanted > 0) {
        const piece = this.#remaining > 0 ? await this.#next() : EMPTY;
        if (this.#isOver) {
          this.#leave();
          return;
        }
        if (piece.length === 0) {
          this.#state = 'over';
          this.#receiver.send(encodeFrame(FRAMES.CONTENT_END));
          return;
        }
        this.#remaining -= piece.length;
        this.#wanted -= piece.length;
        this.#send(piece);
      }
      this.#state = 'idle';
    } catch (error) {
      if (this.#isOver) return;
      this.#state = 'over';
      this.failure = error;
      this.#receiver.send(encodeFrame(FRAMES.CONTENT_FAILED, String(error)));
    }
  }

  /** A getter, because the state may change while the code waits. */
  get #isOver(): boolean {
    return this.#state === 'over';
  }

  #send(piece: Uint8Array): void {
    if (piece.length <= COPIED) {
      this.#receiver.send(encodeFrame(FRAMES.CONTENT, piece));
      return;
    }
    this.#receiver.send(encodeFrameHeader(FRAMES.CONTENT, piece.length));
    this.#receiver.send(piece);
  }

  #next(): Promise<Uint8Array> {
    this.#pieces ??= new InputPieces(this.#environ['wsgi.input']);
    return this.#pieces.next(this.#remaining);
  }
}

const EMPTY = new Uint8Array(0);
