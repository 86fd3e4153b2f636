/**
 * The content of a `Request` as the source of `wsgi.input`: its stream, read when the application reads.
 *
 * The stream is not touched before, so that a framework can still read it. When nobody reads any more after the response,
 * it is cancelled, and the runtime decides what becomes of the rest. A reader after the response is a read that waits, or
 * an iteration that is open. Single reads have a turn of the event loop each.
 */
import { disconnection, isError, isOctets, isProtocolError, onNextTurn } from '../../src/gateway/index.ts';
import { ApplicationError, type InputSource, ProtocolError } from '../../src/index.ts';

type Reader = ReadableStreamDefaultReader<unknown>;

/** The content of one request. */
export class FetchInput implements InputSource {
  readonly #request: Request;
  #reader: Reader | undefined;
  #isWaiting = false;
  #iterations = 0;
  #pulls = 0;
  #state: 'open' | 'ended' | 'left' = 'open';
  #isOver = false;
  /** Called when nobody reads any more. */
  #onLeft: (() => void) | undefined;

  /** @param request A request with content */
  constructor(request: Request) {
    this.#request = request;
  }

  async pull(): Promise<Uint8Array | null> {
    this.#pulls += 1;
    if (this.#state === 'left')
      throw new ApplicationError(
        'WSGI_ERR_BODY_CONSUMED',
        'the response is over, and the rest was cancelled',
      );
    this.#reader ??= openReader(this.#request);
    if (this.#isOver) this.#leaveSoon();
    this.#isWaiting = true;
    try {
      const { done, value } = await this.#read(this.#reader);
      if (!done && isOctets(value)) return value;
      this.#endAs('ended');
      if (done) return null;
      throw new TypeError('The body of the request must be a stream of Uint8Array');
    } finally {
      this.#isWaiting = false;
    }
  }

  /**
   * A stream that fails is that of a client that has left: the runtime itself refuses malformed content. A host of ours in front of the
   * `Request` tells which it was, and so does a framework that has a limit of its own, by the status (SvelteKit's adapter-node 5).
   */
  async #read(reader: Reader): ReturnType<Reader['read']> {
    try {
      return await reader.read();
    } catch (error) {
      this.#endAs('ended');
      if (isProtocolError(error)) throw error;
      if (isTooLarge(error))
        throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', "the host's number of", { cause: error });
      throw disconnection('request', error);
    }
  }

  beginIteration(): void {
    this.#iterations += 1;
  }

  endIteration(): void {
    this.#iterations -= 1;
    if (this.#isOver) this.#leaveSoon();
  }

  /** Releases the content after the run. Gives a promise for the end of reading if somebody may still read. */
  release(): Promise<void> | undefined {
    this.#isOver = true;
    const isUnread = this.#reader === undefined && this.#iterations === 0;
    if (isUnread || this.#state !== 'open') return undefined;
    this.#leaveSoon();
    return new Promise((resolve) => {
      this.#onLeft = resolve;
    });
  }

  /** Cancels the rest after a turn in which nobody has read. */
  #leaveSoon(): void {
    if (this.#state !== 'open') return;
    const pulls = this.#pulls;
    onNextTurn(() => {
      if (pulls !== this.#pulls) this.#leaveSoon();
      else if (!this.#isWaiting && this.#iterations === 0) this.#leave();
    });
  }

  #leave(): void {
    if (this.#state !== 'open') return;
    this.#endAs('left');
    // The rejection of a stream that has failed already concerns nobody.
    this.#reader?.cancel().catch(() => {});
  }

  #endAs(state: 'ended' | 'left'): void {
    this.#state = state;
    // The reader gets its last piece before.
    if (this.#onLeft !== undefined) onNextTurn(this.#onLeft);
  }
}

function isTooLarge(error: unknown): boolean {
  if (!isError(error)) return false;
  return [Reflect.get(error, 'status'), Reflect.get(error, 'statusCode')].includes(413);
}

function openReader(request: Request): Reader {
  const { body } = request;
  if (body === null || body.locked || request.bodyUsed) {
    const detail = 'it was read before the application could; pass request.clone() to the other reader';
    throw new ApplicationError('WSGI_ERR_BODY_CONSUMED', detail);
  }
  return body.getReader();
}
