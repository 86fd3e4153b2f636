/**
 * The sink of a test: an in-process host, whose client is the test.
 *
 * Rule 1: it takes some content before the test reads it, as the buffers of a host do. A piece beyond that counts as sent
 *         once the test asks for the next one; without a buffer each piece does.
 * Rule 2: a plain array is complete, so it is taken whole.
 * Rule 3: each error that a host would log fails the test. The first one is the one to report.
 * Rule 4: pieces are copied, because the application may use their memory again.
 */
import { type DisconnectError, disconnection } from '../errors.ts';
import { logError } from '../gateway/failure-log.ts';
import { Headers } from '../gateway/headers.ts';
import { onNextTurn } from '../gateway/platform.ts';
import type { ResponseHead, ResponseSink } from '../port.ts';
import type { ErrorStream, HeaderList } from '../wsgi.ts';

/** An interim response (1xx). */
export interface InterimResponse {
  readonly statusCode: number;
  readonly headers: Headers;
}

/** A piece of content that the test has not asked beyond. */
interface Piece {
  readonly octets: Uint8Array;
  readonly taken: () => void;
  readonly lost: (error: DisconnectError) => void;
}

/** Turns of the event loop after which an application that sends nothing is said to wait. */
const TURNS = 3;

/** Takes the response to one request for a test. */
export class TestSink implements ResponseSink {
  head: ResponseHead | undefined;
  readonly interim: InterimResponse[] = [];
  /** The first error. */
  failure: { readonly error: unknown } | undefined;
  /** The test has read something, or left. */
  isUsed = false;
  readonly trailerFields: Headers = new Headers();
  /** The body is an array: nothing waits for the test. */
  takesAll = false;
  readonly #errors: ErrorStream;
  /** Octets that are taken before the test reads them. */
  readonly #capacity: number;
  readonly #queue: Piece[] = [];
  /** Octets in the queue. */
  #queued = 0;
  /** The piece that the test has read last. */
  #current: Piece | undefined;
  #isStarted = false;
  #isOver = false;
  #gone: DisconnectError | undefined;
  readonly #leaving: ((error: DisconnectError) => void)[] = [];
  /** Called with each change that somebody may wait for. */
  #changes: (() => void)[] = [];

  constructor(errors: ErrorStream, capacity: number) {
    this.#errors = errors;
    this.#capacity = capacity;
  }

  /** The test has seen the end, or nothing of it is left to see. */
  get isSeen(): boolean {
    return this.#isOver && (this.isUsed || this.failure === undefined);
  }

  writeHead(head: ResponseHead): void {
    this.head = head;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#isStarted = true;
    return this.#put(chunk);
  }

  end(lastChunk?: Uint8Array): Promise<void> | undefined {
    this.#isStarted = true;
    return this.#put(lastChunk);
  }

  abort(error: unknown): void {
    if (this.#gone === undefined) this.#keep(error);
  }

  log(error: unknown): void {
    this.note(error);
  }

  watch(listener: (error: DisconnectError) => void): void {
    if (this.#gone === undefined) this.#leaving.push(listener);
    else listener(this.#gone);
  }

  informational(statusCode: number, headers: HeaderList): void {
    this.interim.push({ statusCode, headers: new Headers(headers) });
  }

  trailers(headers: HeaderList): void {
    this.trailerFields.list.push(...headers);
  }

  /** Keeps an error for the test. One that comes after the end of the response is written to `wsgi.errors`. */
  note(error: unknown): void {
    if (this.#isOver) logError({ errors: this.#errors }, error);
    else this.#keep(error);
  }

  /** The run is over: nothing comes any more. */
  finish(): void {
    this.#isOver = true;
    this.#tell();
  }

  /**
   * Waits for the head.
   *
   * @throws the error that came before it, once the run is over
   */
  async started(): Promise<ResponseHead> {
    while (!(this.#isStarted || this.#isOver || this.failure !== undefined)) await this.#change();
    if (this.failure !== undefined) await this.leave();
    if (this.head === undefined) throw disconnection('response');
    return this.head;
  }

  /**
   * Waits until the application waits, has ended, or has filled the buffer.
   *
   * @throws the error that failed the response until then
   */
  async settled(): Promise<void> {
    for (let turns = 0, seen = -1; turns < TURNS; turns += 1) {
      if (this.#isOver || this.failure !== undefined) break;
      if (this.#queued >= this.#capacity && !this.takesAll) break;
      if (this.#queued !== seen) turns = 0;
      seen = this.#queued;
      await new Promise<void>(onNextTurn);
    }
    if (this.failure !== undefined) await this.leave();
  }

  /**
   * Gives the next piece of content; undefined at the end.
   *
   * @throws the error that failed the response, after the content that came before it
   */
  async next(): Promise<Uint8Array | undefined> {
    this.isUsed = true;
    this.#current?.taken();
    this.#current = undefined;
    for (;;) {
      this.#current = this.#queue.shift();
      if (this.#current !== undefined) {
        this.#queued -= this.#current.octets.length;
        return this.#current.octets;
      }
      if (this.#isOver) break;
      await this.#change();
    }
    if (this.failure !== undefined) throw this.failure.error;
    return undefined;
  }

  /**
   * Leaves, as a client does, and waits for the end of the run.
   *
   * @throws the error that failed the response
   */
  async leave(): Promise<void> {
    this.isUsed = true;
    if (this.#gone === undefined && !this.#isOver) {
      this.#gone = disconnection('response');
      const pieces = this.#queue.splice(0);
      this.#queued = 0;
      if (this.#current !== undefined) pieces.push(this.#current);
      this.#current = undefined;
      for (const piece of pieces) piece.lost(this.#gone);
      for (const listener of this.#leaving) listener(this.#gone);
      this.#tell();
    }
    while (!this.#isOver) await this.#change();
    if (this.failure !== undefined) throw this.failure.error;
  }

  #keep(error: unknown): void {
    this.failure ??= { error };
    this.#tell();
  }

  #put(chunk: Uint8Array | undefined): Promise<void> | undefined {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    this.#tell();
    if (chunk === undefined || chunk.length === 0) return undefined;
    const octets = Buffer.from(chunk);
    this.#queued += octets.length;
    if (this.takesAll || this.#queued < this.#capacity) {
      this.#queue.push({ octets, taken: () => {}, lost: () => {} });
      return undefined;
    }
    return new Promise((taken, lost) => this.#queue.push({ octets, taken, lost }));
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changes.push(resolve));
  }

  #tell(): void {
    const changes = this.#changes;
    this.#changes = [];
    for (const change of changes) change();
  }
}
