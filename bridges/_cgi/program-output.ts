/** Makes a response of what a program writes: reads its head, then gives its content as the body. */
import { type Environ, UpstreamError } from '../../src/index.ts';

/** The output of one run of a program. */
export interface ProgramOutput {
  /** The name of the program, for errors. */
  readonly program: string;
  /**
   * Gives the next octets, null at the end. It rejects if the program did not start or did not answer in time, or if
   * the content of the request could not be read.
   */
  pull(): Promise<Uint8Array | null>;
  /** Says how the program ended, after a `pull` that gave null: such as `exited with code 1`. */
  describeEnd(): string;
  /** Tells, after a head alone, if the program goes on and nothing more comes now: its client may wait for the head. */
  isPausing(): boolean | Promise<boolean>;
  /** The program has ended well, and `pull` has given all of its output. Missing if that cannot be told. */
  readonly isComplete?: boolean;
  /** The program ended as no program does that has finished. Its output may be incomplete. */
  readonly hasCrashed: boolean;
  /** Logs a line for the operator. */
  warn(line: string): void;
  /** Nothing more of the output is wanted, and the program may finish. */
  discard(): void;
  /** The client has left, or the output cannot be used. Ends the program. */
  abort(reason?: unknown): void;
}

/** Tells if a response has no content whatever the program writes (RFC 9110 §6.4.1). */
export function isBodiless(environ: Environ, status: string): boolean {
  return environ.REQUEST_METHOD === 'HEAD' || /^(?:204|304) /.test(status);
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The content of a response, as a body that is pulled: the program waits for the client. */
export class ProgramBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #output: ProgramOutput;
  readonly #length: number;
  #remaining: number;
  #rest: Uint8Array | undefined;
  #isOver = false;

  /**
   * @param output The output behind the head
   * @param rest The octets that came with the head
   * @param length The declared octets of content
   */
  constructor(output: ProgramOutput, rest: Uint8Array, length: number | undefined) {
    this.#output = output;
    this.#length = this.#remaining = length ?? Number.POSITIVE_INFINITY;
    if (rest.length > 0) this.#rest = rest;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#isOver) return DONE;
    if (this.#remaining === 0) return this.#finish();
    const octets = this.#rest ?? (await this.#pull());
    this.#rest = undefined;
    // The body was closed meanwhile: nobody wants what has come, nor the fault that closing caused.
    if (octets === undefined) return DONE;
    if (octets === null) return this.#conclude();
    const value = octets.length > this.#remaining ? this.#cut(octets) : octets;
    this.#remaining -= value.length;
    return { done: false, value };
  }

  async #pull(): Promise<Uint8Array | null | undefined> {
    try {
      const octets = await this.#output.pull();
      return this.#isOver ? undefined : octets;
    } catch (error) {
      if (this.#isOver) return undefined;
      this.#isOver = true;
      throw error;
    }
  }

  /** The program has ended: well, or in the middle of its content. */
  #conclude(): IteratorReturnResult<undefined> {
    this.#isOver = true;
    const { program, hasCrashed } = this.#output;
    const how = this.#output.describeEnd();
    if (this.#remaining !== Number.POSITIVE_INFINITY) {
      const sent = this.#length - this.#remaining;
      const fault = `${how} after ${sent} of the ${this.#length} octets that its Content-Length declares`;
      throw new UpstreamError('WSGI_ERR_UPSTREAM_ENDED', `${program} ${fault}`);
    }
    if (hasCrashed) throw new UpstreamError('WSGI_ERR_UPSTREAM_ENDED', `${program} ${how}`);
    return DONE;
  }

  #cut(octets: Uint8Array): Uint8Array {
    this.#output.warn(`wrote more than the ${this.#length} octets that its Content-Length declares`);
    return octets.subarray(0, this.#remaining);
  }

  #finish(): IteratorReturnResult<undefined> {
    this.#isOver = true;
    this.#output.discard();
    return DONE;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.close();
    return DONE;
  }

  /** Ends the program, if the body has not ended by itself. */
  close(): void {
    if (this.#isOver) return;
    if (this.#remaining === 0) {
      this.#finish();
      return;
    }
    this.#isOver = true;
    this.#output.abort();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
