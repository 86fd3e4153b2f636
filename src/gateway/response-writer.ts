/**
 * The way of a response from the application to the sink: head, chunks, end, each held against the ledger.
 *
 * Two parties write. The application, through the `write` that startResponse returned: its calls are queued, because
 * nobody has to wait for them. The gateway, with the chunks of the body: it waits by itself. Both meet here.
 */

import { ApplicationError, type DisconnectError } from '../errors.ts';
import type { ResponseSink } from '../port.ts';
import type { Chunk, Environ, ErrorStream, HeaderList, StartResponse, Write } from '../wsgi.ts';
import { toOctets } from './body-reader.ts';
import { logError } from './failure.ts';
import type { HopByHopPolicy } from './response-headers.ts';
import { ResponseState } from './response-state.ts';

/** The options of `runApplication` that concern writing. */
export interface WriterOptions {
  readonly hopByHop?: HopByHopPolicy | undefined;
  readonly strict?: boolean | undefined;
}

/** Writes one response. */
export class ResponseWriter {
  readonly response: ResponseState;
  /** Whether a length is worked out for an array; a wrapped application may want its own framing. */
  computesLength = true;
  /** Set when the client has left: from then on nothing is written. */
  gone: DisconnectError | undefined;
  /** The last call of `write` that the sink has not taken yet. */
  writing: Promise<void> | undefined;
  readonly #sink: ResponseSink;
  readonly #errors: ErrorStream;
  readonly #isHead: boolean;
  readonly #isStrict: boolean;
  #hasWarned = false;

  constructor(sink: ResponseSink, environ: Environ, options: WriterOptions) {
    this.#sink = sink;
    this.#errors = environ['wsgi.errors'];
    this.#isHead = environ.REQUEST_METHOD === 'HEAD';
    this.#isStrict = options.strict === true;
    this.response = new ResponseState(this.#isHead, options.hopByHop ?? 'error');
  }

  /** PEP 3333's startResponse: synchronous, sends nothing. */
  readonly startResponse: StartResponse = (status: string, headers: HeaderList, excInfo?: unknown) => {
    // An application that has not noticed that the client left does nothing wrong; its writes will tell.
    if (this.gone === undefined || this.response.state !== 'ended') {
      this.response.start(status, headers, excInfo);
    }
    return this.#write;
  };

  readonly #write: Write = (data: Chunk): Promise<void> => {
    let taken: Promise<void>;
    try {
      const chunk = this.#checkWritten(data);
      const { writing } = this;
      const wait = writing === undefined ? this.#writeNow(chunk) : writing.then(() => this.#writeNow(chunk));
      if (wait === undefined) return DONE;
      taken = wait;
    } catch (error) {
      taken = Promise.reject(error);
    }
    this.writing = taken;
    const settled = (): void => {
      if (this.writing === taken) this.writing = undefined;
    };
    // Also what makes the rejection of a call that nobody awaited a handled one.
    taken.then(settled, settled);
    return taken;
  };

  #checkWritten(data: Chunk): Uint8Array {
    if (this.gone !== undefined) throw this.gone;
    if (this.response.state === 'ended') throw new ApplicationError('WSGI_ERR_WRITE_AFTER_END');
    try {
      return toOctets(data, this.#isStrict);
    } catch (error) {
      // The application may not look at the promise, so the response itself has to fail.
      this.response.failure ??= { error };
      throw error;
    }
  }

  /** PEP 3333: the first invocation of `write` sends the head, even with an empty chunk. */
  #writeNow(chunk: Uint8Array): Promise<void> | undefined {
    if (this.gone !== undefined) throw this.gone;
    if (this.response.state === 'ended') throw new ApplicationError('WSGI_ERR_WRITE_AFTER_END');
    const isFirst = this.response.state !== 'sent';
    if (isFirst) this.sendHead(undefined);
    const wait = isFirst && chunk.length === 0 ? this.#sink.write(chunk) : this.send(chunk);
    if (this.response.hasExceeded) {
      throw new ApplicationError('WSGI_ERR_CONTENT_LENGTH_EXCEEDED', this.response.declaredLength);
    }
    return wait;
  }

  /** Makes octets of a chunk of the body. */
  toOctets(chunk: Chunk): Uint8Array {
    return toOctets(chunk, this.#isStrict);
  }

  /**
   * Hands the head to the sink.
   *
   * @param computedLength The length of the content, where it is known
   */
  sendHead(computedLength: number | undefined): void {
    if (this.gone !== undefined) throw this.gone;
    this.#sink.writeHead(this.response.takeHead(this.computesLength ? computedLength : undefined));
  }

  /** Sends a chunk, as much of it as the head allows. */
  send(chunk: Uint8Array): Promise<void> | undefined {
    const allowed = this.#allow(chunk);
    return allowed.length === 0 ? undefined : this.#sink.write(allowed);
  }

  /**
   * Completes the response with its last chunk, which may be empty.
   *
   * @throws {@link ApplicationError} if the content is shorter than its declared length
   */
  end(lastChunk: Uint8Array): Promise<void> | undefined {
    const { response } = this;
    const allowed = this.#allow(lastChunk);
    if (response.missing > 0) {
      if (allowed.length > 0) this.#sink.write(allowed)?.catch(ignore);
      throw new ApplicationError('WSGI_ERR_CONTENT_LENGTH_SHORT', `${response.missing} octets are missing`);
    }
    response.state = 'ended';
    return allowed.length === 0 ? this.#sink.end() : this.#sink.end(allowed);
  }

  #allow(chunk: Uint8Array): Uint8Array {
    const { response } = this;
    if (this.gone !== undefined) throw this.gone;
    if (response.failure !== undefined) throw response.failure.error;
    if (chunk.length === 0) return chunk;
    if (response.isBodiless) {
      // RFC 9110 §9.3.2: to HEAD an application may well yield what it would to GET.
      if (!this.#isHead) {
        this.#warn(new ApplicationError('WSGI_ERR_CONTENT_FORBIDDEN', response.status));
      } else if (this.#sink.takesHeadContent === true) {
        return response.clamp(chunk);
      }
      return EMPTY;
    }
    const allowed = response.clamp(chunk);
    if (response.hasExceeded) {
      this.#warn(new ApplicationError('WSGI_ERR_CONTENT_LENGTH_EXCEEDED', response.declaredLength ?? 0));
    }
    return allowed;
  }

  /** Tells the operator once a response what the client does not notice. */
  #warn(warning: ApplicationError): void {
    if (!this.#hasWarned) logError(this.#errors, warning);
    this.#hasWarned = true;
  }
}

const DONE: Promise<void> = Promise.resolve();
const EMPTY = new Uint8Array(0);

function ignore(): void {}
