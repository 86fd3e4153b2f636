/**
 * One request to a FastCGI responder: sends its parameters and content, and gives what comes back as the output of a program.
 *
 * Rule 1: both directions run at the same time, and each waits for its reader.
 * Rule 2: time counts while the responder is waited for. A slow client is the host's matter.
 * Rule 3: this file knows no socket; its connection does.
 * Rule 4: a request that is answered at once costs neither a timer nor an AbortSignal: both begin with `watch`.
 */
import { MAX_DELAY } from '../../src/gateway/index.ts';
import { UpstreamError } from '../../src/index.ts';
import type { ProgramOutput } from '../_cgi/program-output.ts';
import type { RequestContent } from '../_cgi/request-content.ts';
import type { Watchable } from '../_process/departures.ts';
import { ErrorLines } from '../_process/error-lines.ts';
import type { WrittenParameters } from './parameters.ts';
import { decodeEndRequest, type FastCgiRecord, ProtocolStatus, RecordType } from './records.ts';

/** The services of a connection for one request. */
export interface RequestLine {
  /** Sends the next octets of the content, none at the end. Resolves when more may be sent; never rejects. */
  send(content: Uint8Array): Promise<void>;
  /** Reads no more, or reads on. */
  setPaused(isPaused: boolean): void;
  /** Nothing more of the response is wanted. */
  abort(): void;
}

/** One request. */
export interface RequestOptions {
  /** The name of the responder, for errors. */
  readonly responder: string;
  readonly parameters: WrittenParameters;
  readonly content: RequestContent;
  /** Milliseconds without a sign of life; 0 for any time. */
  readonly timeout: number;
  /** Gives the signal of the client that leaves. */
  signal?: (() => AbortSignal) | undefined;
  /** Makes what takes each line for the operator. */
  makeLog(): (line: string) => void;
}

/** A `pull` that waits. */
interface Reader {
  resolve(octets: Uint8Array | null): void;
  reject(error: unknown): void;
}

/** Where a request is before it is sent. */
export interface RequestPlace {
  /** It is not wanted any more. */
  leave(): void;
}

/** Octets of output that wait for their reader, before no more is read. */
const MAX_HELD = 131_072;

/** A request on its way. */
export class ResponderRequest implements ProgramOutput, Watchable {
  readonly program: string;
  readonly options: RequestOptions;
  /** Until it is sent. */
  #place: RequestPlace | undefined;
  #line: RequestLine | undefined;
  #held: Buffer[] = [];
  #heldSize = 0;
  /** Made with the first octets: most requests cause none. */
  #errors: ErrorLines | undefined;
  #log: ((line: string) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;
  #reader: Reader | undefined;
  #onEnd: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** How the request ended, for people. */
  #end: string | undefined;
  #hasCrashed = false;
  /** Nobody wants more output. */
  #isOver = false;
  #isClientSlow = false;
  #hasAnswered = false;
  #isWatched = false;

  constructor(options: RequestOptions) {
    this.options = options;
    this.program = options.responder;
  }

  /** It was given up, or refused, before it was sent. */
  get isGivenUp(): boolean {
    return this.#failure !== undefined;
  }

  /** It waits to be sent, and can leave. */
  waitAt(place: RequestPlace): void {
    this.#place = place;
  }

  /** It cannot be sent. */
  refuse(error: unknown): void {
    this.#place = undefined;
    this.#fail(error);
  }

  watch(): void {
    if (this.#end !== undefined) return;
    this.#isWatched = true;
    if (this.#line !== undefined) this.#setTimer();
    this.#signal = this.options.signal?.();
    if (this.#signal?.aborted) this.#leave();
    else this.#signal?.addEventListener('abort', this.#leave, { once: true });
  }

  /** The client has left. */
  readonly #leave = (): void => this.abort(this.#signal?.reason);

  /** The responder has given a sign of life. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** The response is not complete. */
  get isRunning(): boolean {
    return this.#end === undefined;
  }

  /**
   * Begins to send content, if there is some; parameters have been sent.
   *
   * @param onEnd Called once, when the connection is free again
   */
  start(line: RequestLine, onEnd: () => void): void {
    this.#place = undefined;
    this.#line = line;
    this.#onEnd = onEnd;
    if (this.#isWatched) this.#setTimer();
    if (this.options.content.length !== 0) void this.#feed(line);
  }

  #setTimer(): void {
    const delay = Math.min(this.options.timeout || MAX_DELAY, MAX_DELAY);
    this.#timer ??= setTimeout(() => this.#onTimeout(), delay);
  }

  /** Takes a record of the responder. @throws Error if it is malformed */
  take({ type, content }: FastCgiRecord): void {
    this.#hasAnswered = true;
    this.#timer?.refresh();
    if (type === RecordType.stderr) this.#takeErrors(content);
    else if (type === RecordType.stdout) this.#hold(content);
    else if (type === RecordType.endRequest) this.#takeEnd(content);
  }

  #takeErrors(content: Buffer): void {
    this.#errors ??= new ErrorLines((line) => this.warn(`wrote: ${line}`));
    this.#errors.push(content);
  }

  #hold(content: Buffer): void {
    if (content.length === 0 || this.#isOver) return;
    // The connection reads into the same memory again.
    this.#held.push(Buffer.from(content));
    this.#heldSize += content.length;
    if (this.#heldSize >= MAX_HELD) this.#line?.setPaused(true);
  }

  #takeEnd(content: Buffer): void {
    const { appStatus, protocolStatus } = decodeEndRequest(content);
    if (protocolStatus === ProtocolStatus.complete) {
      // php-fpm's is 255 after a fatal error, which it has logged itself.
      this.#conclude(`ended with status ${appStatus}`);
      return;
    }
    this.#failure ??= { error: refusal(this.program, protocolStatus) };
    this.#conclude('refused the request');
  }

  /** The connection has ended. What has come before still counts. */
  lose(how: string, error?: unknown): void {
    if (this.#end !== undefined) return;
    this.#hasCrashed = true;
    if (error !== undefined) this.#failure ??= { error };
    this.#conclude(how);
  }

  #conclude(how: string): void {
    this.#end ??= how;
    clearTimeout(this.#timer);
    this.#errors?.end();
    this.#signal?.removeEventListener('abort', this.#leave);
    this.settle();
    this.#onEnd?.();
    this.#onEnd = undefined;
  }

  pull(): Promise<Uint8Array | null> {
    this.#timer?.refresh();
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.settle();
    });
  }

  /** Gives the reader what there is. Called when all of a read has been taken: one turn of the gateway costs less than several. */
  settle(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    const [first] = this.#held;
    if (first === undefined) {
      if (this.#failure === undefined && this.#end === undefined) return;
      this.#reader = undefined;
      if (this.#failure !== undefined) reader.reject(this.#failure.error);
      else {
        this.#isOver = true;
        reader.resolve(null);
      }
      return;
    }
    this.#reader = undefined;
    // php-fpm writes records of 8 KB: a copy costs less than a turn of the gateway for each.
    const octets = this.#held.length === 1 ? first : Buffer.concat(this.#held, this.#heldSize);
    this.#held = [];
    this.#heldSize = 0;
    this.#line?.setPaused(false);
    reader.resolve(octets);
  }

  get isComplete(): boolean {
    const hasAll = this.#end !== undefined && this.#held.length === 0;
    return hasAll && this.#failure === undefined && !this.#hasCrashed;
  }

  isPausing(): boolean {
    return this.#held.length === 0 && this.#end === undefined && this.#failure === undefined;
  }

  describeEnd(): string {
    return this.#end ?? 'has not ended';
  }

  get hasCrashed(): boolean {
    return this.#hasCrashed;
  }

  warn(line: string): void {
    this.#log ??= this.options.makeLog();
    this.#log(line);
  }

  discard(): void {
    this.#isOver = true;
    this.#held = [];
    this.#heldSize = 0;
    this.#timer?.refresh();
    this.#line?.setPaused(false);
  }

  abort(reason: unknown = new Error('Response is not wanted any more')): void {
    if (!this.#isOver) this.#fail(reason);
  }

  /** Makes `pull` reject, and gives the request up. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#isOver = true;
    this.#held = [];
    this.settle();
    if (this.#end !== undefined) return;
    if (this.#line !== undefined) {
      this.#line.abort();
      return;
    }
    const place = this.#place;
    this.#place = undefined;
    place?.leave();
    this.#conclude('was not sent');
    void this.options.content.close().catch(() => {});
  }

  #onTimeout(): void {
    const { timeout } = this.options;
    const isIdle = !this.#isOver && (this.#reader === undefined || this.#isClientSlow);
    if (timeout === 0 || isIdle) {
      this.#timer?.refresh();
      return;
    }
    // A responder that goes on after an abort gets no third chance.
    this.#timer?.refresh();
    if (this.#isOver) this.warn(`went on for ${timeout} ms after its response, and is given up`);
    const detail = `${this.program} wrote nothing for ${timeout} ms`;
    this.#fail(new UpstreamError('WSGI_ERR_UPSTREAM_TIMEOUT', detail));
  }

  /** A responder that has ended its response needs no more content. */
  async #feed(line: RequestLine): Promise<void> {
    const { content } = this.options;
    let hasSent = false;
    try {
      for (let octets: Uint8Array | null = EMPTY; octets !== null && this.#mayFeed(); ) {
        this.#isClientSlow = true;
        octets = await content.pull();
        this.#isClientSlow = false;
        this.#timer?.refresh();
        // A responder may answer early and close. A write to it would fail before its response was read (Node 20 to 26).
        if (hasSent && this.#mayFeed()) await new Promise((resolve) => setImmediate(resolve));
        if (this.#mayFeed() && octets?.length !== 0) await line.send(octets ?? EMPTY);
        hasSent = true;
      }
    } catch (error) {
      // A response that is complete stays so.
      if (!this.#isOver) this.#fail(error);
    } finally {
      this.#isClientSlow = false;
      // Nobody needs its error any more.
      await content.close().catch(() => {});
    }
  }

  #mayFeed(): boolean {
    return this.#end === undefined && this.#failure === undefined;
  }
}

/** Makes the error of a request that the responder has not served. */
function refusal(responder: string, protocolStatus: number): UpstreamError {
  if (protocolStatus === ProtocolStatus.unknownRole)
    return new UpstreamError('WSGI_ERR_UPSTREAM_UNAVAILABLE', `${responder} is no responder`);
  const detail = `${responder} is overloaded (protocol status ${protocolStatus})`;
  return new UpstreamError('WSGI_ERR_UPSTREAM_BUSY', detail, { headers: { 'Retry-After': '1' } });
}

const EMPTY = new Uint8Array(0);
