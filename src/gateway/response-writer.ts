/**
 * Sends head, chunks and end of a response to the sink, checked against ResponseState.
 *
 * Two callers send chunks. The application calls the `write` that startResponse returned; these calls are queued,
 * because the application need not wait for them. run-application.ts sends the chunks of the body, and waits itself: for
 * the sink, and for calls of `write` that came before. So the sink gets one piece at a time.
 */

import { ApplicationError, type DisconnectError, isDisconnection } from '../errors.ts';
import type { ResponseSink } from '../port.ts';
import type { Chunk, Environ, ErrorStream, HandedOver, StartResponse, Write } from '../wsgi.ts';
import { toOctets } from './body-reader.ts';
import { logError, type RequestLog } from './failure-log.ts';
import { GATEWAY_OPTIONS, type GatewayOptions } from './gateway-options.ts';
import { onNextTurn } from './platform.ts';
import { toPromise } from './promise.ts';
import { ResponseState } from './response-state.ts';

/** Writes one response. It is the log of its request, too: that saves an object per request. */
export class ResponseWriter implements RequestLog {
  readonly errors: ErrorStream;
  readonly method: string;
  readonly target: string | undefined;
  readonly response: ResponseState;
  /** The gateway computes Content-Length if it can. A wrapped program may want its own framing. */
  computesLength = true;
  /** The body is a file, and Content-Length may cover a part of it (PEP 3333, Optional Platform-Specific File Handling). */
  isFile = false;
  /** Set when the client has left. Nothing is written after that. */
  gone: DisconnectError | undefined;
  /** The application has taken the socket over. There is no response then. */
  handedOver: HandedOver | undefined;
  /** The latest call of `write`, if it has not settled. */
  writing: Promise<void> | undefined;
  /** The latest call of the sink, if it has not settled. */
  sending: Promise<void> | undefined;
  readonly #sink: ResponseSink;
  readonly #isStrict: boolean;
  #hasWarned = false;

  constructor(sink: ResponseSink, environ: Environ, options: GatewayOptions) {
    this.errors = environ['wsgi.errors'];
    this.method = environ.REQUEST_METHOD;
    this.target = environ.REQUEST_URI;
    this.#sink = sink;
    this.#isStrict = options.strict ?? GATEWAY_OPTIONS.strict.default;
    this.response = new ResponseState(
      this.method === 'HEAD',
      options.hopByHop ?? GATEWAY_OPTIONS.hopByHop.default,
    );
  }

  /** Gives an error to a sink that keeps errors itself. */
  pass(error: unknown): boolean {
    if (this.#sink.log === undefined) return false;
    this.#sink.log(error);
    return true;
  }

  /** PEP 3333's startResponse. It sends nothing. */
  readonly startResponse: StartResponse = (status, headers, excInfo) => {
    // No error if the client has left, or if an application within has the socket: who calls may not have noticed. Writes reject.
    const isOver = this.response.state === 'ended' && (this.gone ?? this.handedOver) !== undefined;
    if (!isOver) this.response.start(status, headers, excInfo);
    return this.#write;
  };

  readonly #write: Write = (data: Chunk): Promise<void> => {
    let taken: Promise<void>;
    try {
      const chunk = this.#checkWritten(data);
      const earlier = this.writing ?? this.sending;
      const wait = earlier === undefined ? this.#writeNow(chunk) : earlier.then(() => this.#writeNow(chunk));
      // Dropped octets (HEAD) never wait. A turn between them lets other clients be served while an application writes on.
      if (wait === undefined) return this.response.isBodiless ? new Promise<void>(onNextTurn) : DONE;
      taken = wait;
    } catch (error) {
      taken = Promise.reject(error);
    }
    this.writing = taken;
    const settled = (): void => {
      if (this.writing === taken) this.writing = undefined;
    };
    // This also handles the rejection if the application does not await the call.
    taken.then(settled, settled);
    return taken;
  };

  #checkWritten(data: Chunk): Uint8Array {
    if (this.gone !== undefined) throw this.gone;
    if (this.response.state === 'ended') throw new ApplicationError('WSGI_ERR_WRITE_AFTER_END');
    try {
      return toOctets(data, this.#isStrict);
    } catch (error) {
      // The application may ignore the promise, so the response must fail too.
      this.response.failure ??= { error };
      throw error;
    }
  }

  /** PEP 3333: the first call of `write` sends the head, even with an empty chunk. */
  #writeNow(chunk: Uint8Array): Promise<void> | undefined {
    if (this.gone !== undefined) throw this.gone;
    if (this.response.state === 'ended') throw new ApplicationError('WSGI_ERR_WRITE_AFTER_END');
    const isFirst = this.response.state !== 'sent';
    if (isFirst) this.sendHead(undefined);
    const wait = isFirst && chunk.length === 0 ? this.#pass(chunk) : this.send(chunk);
    if (this.response.hasExceeded) {
      throw this.response.surplus();
    }
    return wait;
  }

  /** Converts a chunk of the body to octets. */
  toOctets(chunk: Chunk): Uint8Array {
    return toOctets(chunk, this.#isStrict);
  }

  /**
   * Sends the head.
   *
   * @param computedLength Octets of content, if known
   */
  sendHead(computedLength: number | undefined): void {
    if (this.gone !== undefined) throw this.gone;
    this.#sink.writeHead(this.response.takeHead(this.computesLength ? computedLength : undefined));
  }

  /** Sends a chunk, up to the declared length. */
  send(chunk: Uint8Array): Promise<void> | undefined {
    const allowed = this.#allow(chunk);
    return allowed.length === 0 ? undefined : this.#pass(allowed);
  }

  #pass(chunk: Uint8Array): Promise<void> | undefined {
    const wait = this.#sink.write(chunk);
    if (wait === undefined) return undefined;
    const sending = this.#heed(wait);
    this.sending = sending;
    const settled = (): void => {
      if (this.sending === sending) this.sending = undefined;
    };
    sending.then(settled, settled);
    return sending;
  }

  /** A sink that rejects because the client has left may not tell the watcher. */
  #heed(wait: PromiseLike<void>): Promise<void> {
    const heeded = toPromise(wait);
    heeded.catch((error: unknown) => {
      if (isDisconnection(error)) this.gone ??= error;
    });
    return heeded;
  }

  /**
   * Sends the last chunk, which may be empty, and completes the response.
   *
   * @throws {@link ApplicationError} if the content is shorter than its declared length
   */
  end(lastChunk: Uint8Array): Promise<void> | undefined {
    const { response } = this;
    const allowed = this.#allow(lastChunk);
    if (response.missing > 0) {
      if (allowed.length > 0) this.#pass(allowed)?.catch(ignore);
      throw new ApplicationError('WSGI_ERR_CONTENT_LENGTH_SHORT', `${response.missing} octets are missing`);
    }
    response.state = 'ended';
    const wait = allowed.length === 0 ? this.#sink.end() : this.#sink.end(allowed);
    return wait === undefined ? undefined : this.#heed(wait);
  }

  /** Gives a promise if the host still refers to memory of the application. */
  held(): Promise<void> | undefined {
    if ((this.gone ?? this.handedOver) !== undefined) return undefined;
    if (this.sending !== undefined) return this.sending;
    const wait = this.#sink.sent?.();
    return wait === undefined ? undefined : this.#heed(wait);
  }

  #allow(chunk: Uint8Array): Uint8Array {
    const { response } = this;
    if (this.gone !== undefined) throw this.gone;
    if (response.failure !== undefined) throw response.failure.error;
    if (chunk.length === 0) return chunk;
    if (response.isBodiless) {
      // RFC 9110 §9.3.2: an application may yield the same content for HEAD as for GET.
      if (this.method !== 'HEAD') {
        this.#warn(new ApplicationError('WSGI_ERR_CONTENT_FORBIDDEN', response.status));
      } else if (this.#sink.takesHeadContent === true) {
        return response.clamp(chunk);
      }
      return EMPTY;
    }
    const allowed = response.clamp(chunk);
    if (response.hasExceeded && !this.isFile) this.#warn(response.surplus());
    return allowed;
  }

  /** Logs a fault that the client does not notice, once per response. */
  #warn(warning: ApplicationError): void {
    if (!this.#hasWarned) logError(this, warning);
    this.#hasWarned = true;
  }
}

const DONE: Promise<void> = Promise.resolve();
const EMPTY = new Uint8Array(0);

function ignore(): void {}
