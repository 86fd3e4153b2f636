/**
 * Publishes a request to which somebody subscribes: a sink around the sink of its host, which sees the head, the content and the
 * end of the response.
 *
 * A request is published to its end or not at all: start, head, an error if there is one, and finish, once.
 */
import type { DisconnectError } from '../errors.ts';
import type { ResponseHead, ResponseSink } from '../port.ts';
import type { Environ, HandedOver } from '../wsgi.ts';
import {
  ERROR,
  FINISH,
  HEAD,
  type RequestErrorMessage,
  type RequestFinishMessage,
  type RequestHeadMessage,
  type RequestStartMessage,
  START,
} from './request-channels.ts';

type Optional = 'sent' | 'log' | 'fail' | 'informational' | 'trailers' | 'direct' | 'handOver';

/** The sink of a host, with the members that it has. */
export class PublishedSink implements ResponseSink {
  /** A subscriber may change the environ. */
  readonly hasOwnEnviron = false;
  readonly sent?: NonNullable<ResponseSink['sent']>;
  readonly log?: NonNullable<ResponseSink['log']>;
  readonly fail?: NonNullable<ResponseSink['fail']>;
  readonly informational?: NonNullable<ResponseSink['informational']>;
  readonly trailers?: NonNullable<ResponseSink['trailers']>;
  readonly direct?: NonNullable<ResponseSink['direct']>;
  readonly handOver?: NonNullable<ResponseSink['handOver']>;
  readonly #environ: Environ;
  readonly #sink: ResponseSink;
  readonly #began = performance.now();
  #head: ResponseHead | undefined;
  #error: unknown;
  #octets = 0;
  #isFinished = false;

  constructor(environ: Environ, sink: ResponseSink) {
    this.#environ = environ;
    this.#sink = sink;
    const members: Pick<ResponseSink, Optional> = {
      ...(sink.sent && { sent: () => sink.sent?.() }),
      ...(sink.log && { log: (error) => sink.log?.(error) }),
      ...(sink.fail && { fail: (error) => this.#fail(error) }),
      ...(sink.informational && { informational: (code, headers) => sink.informational?.(code, headers) }),
      ...(sink.trailers && { trailers: (headers) => sink.trailers?.(headers) }),
      ...(sink.direct && { direct: (directives) => sink.direct?.(directives) }),
      ...(sink.handOver && { handOver: () => this.#handOver() }),
    };
    Object.assign(this, members);
  }

  get takesHeadContent(): boolean {
    return this.#sink.takesHeadContent === true;
  }

  /** Asked for anew each time: some hosts log some errors only. */
  get logsAbort(): boolean {
    return this.#sink.logsAbort === true;
  }

  /** Publishes the start, and calls the application within the stores of that channel. */
  start<Result>(call: () => Result): Result {
    const message: RequestStartMessage = { environ: this.#environ };
    return START.runStores(message, call);
  }

  writeHead(head: ResponseHead): void {
    this.#sink.writeHead(head);
    this.#head = head;
    if (!HEAD.hasSubscribers) return;
    const { status, statusCode, headers } = head;
    const environ = this.#environ;
    const message: RequestHeadMessage = { environ, status, statusCode, headers, duration: this.#duration };
    HEAD.publish(message);
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#count(chunk);
    return this.#sink.write(chunk);
  }

  end(lastChunk?: Uint8Array): Promise<void> | undefined {
    if (lastChunk !== undefined) this.#count(lastChunk);
    const wait = lastChunk === undefined ? this.#sink.end() : this.#sink.end(lastChunk);
    if (wait === undefined) this.#finish();
    // If it rejects, `abort` is called.
    else wait.then(() => this.#finish(), ignore);
    return wait;
  }

  abort(error: unknown): void {
    try {
      this.#sink.abort(error);
    } finally {
      this.#finish();
    }
  }

  watch(listener: (error: DisconnectError) => void): void {
    this.#sink.watch(listener);
  }

  /** There is no response any more. */
  #handOver(): HandedOver {
    const { handOver } = this.#sink;
    if (handOver === undefined) throw new TypeError('Sink has no socket to hand over');
    const handedOver = Reflect.apply(handOver, this.#sink, []);
    this.#finish();
    return handedOver;
  }

  #fail(error: unknown): void {
    this.#sink.fail?.(error);
    this.#finish();
  }

  #count(chunk: Uint8Array): void {
    // Some hosts take the content of a response to HEAD.
    if (this.#head?.isBodiless !== true) this.#octets += chunk.length;
  }

  /** The application has failed, or its client has left. The response to that follows. */
  publishError(error: unknown): void {
    this.#error = error;
    if (!ERROR.hasSubscribers) return;
    const message: RequestErrorMessage = { environ: this.#environ, error, duration: this.#duration };
    ERROR.publish(message);
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    if (!FINISH.hasSubscribers) return;
    const message: RequestFinishMessage = {
      environ: this.#environ,
      status: this.#head?.status,
      statusCode: this.#head?.statusCode,
      headers: this.#head?.headers,
      error: this.#error,
      octets: this.#octets,
      duration: this.#duration,
    };
    FINISH.publish(message);
  }

  get #duration(): number {
    return performance.now() - this.#began;
  }
}

function ignore(): void {}
