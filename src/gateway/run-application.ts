/**
 * Runs an application for one request, in PEP 3333's order of events:
 * call the application; send each chunk of its body before asking for the next; send the head with the first
 * non-empty chunk, the first `write()` or the end; close the body once; run the callbacks of `gateway.on_finished`.
 * An error before the head goes to the host or becomes a 500. An error after it cuts off the response.
 *
 * Rule 1: a synchronous application that returns an array runs without a promise or a tick.
 * Rule 2: nothing here throws or rejects. Errors go to the sink or to `wsgi.errors`.
 * Rule 3: the environ is read before the application is called, because the application may change it.
 */

import { isCutByProgram, isDisconnection, isProtocolError } from '../errors.ts';
import type { ResponseSink } from '../port.ts';
import type { ApplicationFunction, Body, Chunk, Environ, FinishedCallback, InputStream } from '../wsgi.ts';
import { BodyReader, isPlainArray } from './body-reader.ts';
import { createDepartureSignal } from './departure-signal.ts';
import { callDirectly } from './direct-call.ts';
import { addExtensions } from './extensions.ts';
import { answerFailure, causeOf, departureOfAnother, giveUp, isEndOfStream } from './failure.ts';
import { logError } from './failure-log.ts';
import { fileLength, isFile } from './file-wrapper.ts';
import { FinishedCallbacks } from './finished-callbacks.ts';
import { GATEWAY_OPTIONS, type GatewayOptions } from './gateway-options.ts';
import { failHandedOver } from './hand-over.ts';
import { hintAtMistake } from './mistaken-application.ts';
import { onNextTurn } from './platform.ts';
import { isPromise, toPromise } from './promise.ts';
import { PublishedSink } from './published-sink.ts';
import { CHUNKS_A_TURN, pumpBody } from './pump-body.ts';
import { areRequestsHeard } from './request-channels.ts';
import { ResponseWriter } from './response-writer.ts';

/**
 * Runs an application and sends its response to the sink.
 *
 * @param application The application in its function form, from `toApplication`
 * @param environ The environ of the request, from `createEnviron`
 * @param sink The receiver of the response
 * @param options The deployer's options
 * @returns undefined if everything is done, else a promise for that. It never rejects
 * @example
 * const application = toApplication(hello);
 * await runApplication(application, createEnviron(request), sink);
 */
export function runApplication(
  application: ApplicationFunction,
  environ: Environ,
  sink: ResponseSink,
  options: GatewayOptions = NO_OPTIONS,
): Promise<void> | undefined {
  if (areRequestsHeard()) {
    const published = new PublishedSink(environ, sink);
    const run = new ApplicationRun(environ, published, options);
    return published.start(() => run.start(application));
  }
  return new ApplicationRun(environ, sink, options).start(application);
}

const NO_OPTIONS: GatewayOptions = {};
const EMPTY = new Uint8Array(0);

/** The reason why a run failed. An object, because applications may throw undefined. */
type Failure = { readonly error: unknown };

class ApplicationRun {
  readonly #environ: Environ;
  readonly #sink: ResponseSink;
  readonly #options: GatewayOptions;
  /** Of the request, whatever middleware puts in its place. */
  readonly #input: InputStream & { readonly failure?: unknown };
  readonly #writer: ResponseWriter;
  #isWatching = false;
  #onGone: (() => void) | undefined;
  #abortController: AbortController | undefined;
  #finishedCallbacks: FinishedCallbacks | undefined;

  constructor(environ: Environ, sink: ResponseSink, options: GatewayOptions) {
    this.#environ = environ;
    this.#sink = sink;
    this.#options = options;
    this.#input = environ['wsgi.input'];
    this.#writer = new ResponseWriter(sink, environ, options);
    addExtensions(environ, sink, this.#writer, this);
  }

  start(application: ApplicationFunction): Promise<void> | undefined {
    try {
      const { startResponse } = this.#writer;
      const isOwn = this.#sink.hasOwnEnviron === true;
      const body = isOwn
        ? callDirectly(application, this.#environ, startResponse)
        : application(this.#environ, startResponse);
      return isPromise(body) ? this.#await(body) : this.#take(body);
    } catch (error) {
      return this.#finish(undefined, { error });
    }
  }

  #take(body: Body): Promise<void> | undefined {
    if (this.#writer.handedOver !== undefined) return this.#finish(new BodyReader(body));
    return this.#writer.writing === undefined && isPlainArray(body) ? this.#answer(body) : this.#serve(body);
  }

  /**
   * Waits for the body of an async application, or for the client to leave. A later body is closed unread.
   * Creates one promise, where `await` would create five (Node 20).
   */
  #await(promised: Promise<Body>): Promise<void> {
    return new Promise((resolve) => {
      let isOver = false;
      const settle = (body: Body): void => {
        if (isOver) {
          this.#closeUnread(body);
          return;
        }
        isOver = true;
        this.#onGone = undefined;
        try {
          resolve(this.#take(body));
        } catch (error) {
          resolve(this.#finish(undefined, { error }));
        }
      };
      const fail = (error: unknown): void => {
        if (isOver) {
          this.#logLate(error);
          return;
        }
        isOver = true;
        resolve(this.#finish(undefined, { error }));
      };
      // Deferred, so that the host first finishes its own handling of the departure.
      const leave = (): void => queueMicrotask(() => (isOver ? undefined : fail(this.#writer.gone)));
      this.#onGone = leave;
      this.#watch();
      toPromise(promised).then(settle, fail);
    });
  }

  /** Closes a body that came after the client left. An invalid body is only logged. */
  #closeUnread(body: Body): void {
    try {
      void this.#close(new BodyReader(body));
    } catch (error) {
      logError(this.#writer, error);
    }
  }

  /** Sends an array, synchronously if possible. Its length is known (PEP 3333, Handling the Content-Length Header). */
  #answer(body: readonly Chunk[]): Promise<void> | undefined {
    // The writer checks the type of each chunk.
    if (body.length === 1) return this.#answerWith(body[0] as Chunk);
    const writer = this.#writer;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (const item of body) {
      const chunk = writer.toOctets(item);
      if (chunk.length > 0) chunks.push(chunk);
      length += chunk.length;
    }
    if (writer.response.state !== 'sent') writer.sendHead(length);
    const last = chunks.pop() ?? EMPTY;
    return chunks.length > 0 ? this.#sendAll(chunks, last) : this.#end(last);
  }

  /** Sends an array of one chunk, the usual case, without a list. */
  #answerWith(item: Chunk): Promise<void> | undefined {
    const writer = this.#writer;
    const chunk = writer.toOctets(item);
    if (writer.response.state !== 'sent') writer.sendHead(chunk.length);
    return this.#end(chunk);
  }

  #end(last: Uint8Array): Promise<void> | undefined {
    const wait = this.#writer.end(last);
    return wait === undefined ? this.#finish() : this.#finishAfter(wait);
  }

  /** Sends the chunks of an array. Becomes asynchronous only if the sink asks to wait. */
  #sendAll(chunks: Uint8Array[], last: Uint8Array): Promise<void> | undefined {
    for (let index = 0; index < chunks.length; index += 1) {
      const wait = this.#writer.send(chunks[index] ?? EMPTY);
      if (wait !== undefined) return this.#serve([...chunks.slice(index + 1), last], wait);
    }
    return this.#end(last);
  }

  async #finishAfter(wait: Promise<void>): Promise<void> {
    try {
      this.#watch();
      await this.#orGone(wait);
    } catch (error) {
      return this.#finish(undefined, { error });
    }
    return this.#finish();
  }

  /** The asynchronous path: iterates the body, and waits for the sink. */
  async #serve(body: Body, wait?: Promise<void>): Promise<void> {
    let reader: BodyReader | undefined;
    try {
      this.#watch();
      if (wait !== undefined) await this.#orGone(wait);
      reader = new BodyReader(body);
      await this.#settleWrites();
      this.#writer.isFile = isFile(body);
      const length = fileLength(body);
      await this.#iterate(reader, isPromise(length) ? await length : length);
      await this.#settleWrites();
      if (this.#writer.handedOver === undefined) await this.#complete();
    } catch (error) {
      return this.#finish(reader, { error });
    }
    return this.#finish(reader);
  }

  /** PEP 3333: written chunks go before yielded chunks. The caller of `write` handles its failure. */
  async #settleWrites(): Promise<void> {
    while (this.#writer.writing !== undefined) {
      try {
        await this.#orGone(this.#writer.writing);
      } catch {
        if (this.#writer.gone !== undefined) throw this.#writer.gone;
      }
    }
  }

  async #iterate(reader: BodyReader, length: number | undefined): Promise<void> {
    const writer = this.#writer;
    if (reader.hasReadySteps) return this.#orGone(pumpBody(reader, writer));
    for (let count = 1; ; count += 1) {
      const next = reader.next();
      const step = isPromise(next) ? await this.#orGone(next) : next;
      if (writer.writing !== undefined) await this.#settleWrites();
      if (step.done || writer.handedOver !== undefined) return;
      // The writer checks the type of each chunk.
      const chunk = writer.toOctets(step.value as Chunk);
      if (chunk.length > 0) {
        if (writer.response.state !== 'sent') writer.sendHead(length);
        const wait = writer.send(chunk);
        if (wait !== undefined) await this.#orGone(wait);
        if (writer.response.isFull) return;
      }
      // An iterable that never waits must not block other requests.
      if (count % CHUNKS_A_TURN === 0) await new Promise<void>(onNextTurn);
      if (writer.gone !== undefined) throw writer.gone;
    }
  }

  async #complete(): Promise<void> {
    const writer = this.#writer;
    if (writer.response.state !== 'sent') writer.sendHead(0);
    const wait = writer.end(EMPTY);
    if (wait !== undefined) await this.#orGone(wait);
  }

  /** Ends every run: reports a failure, closes the body, calls the callbacks. */
  #finish(reader?: BodyReader, failure?: Failure): Promise<void> | undefined {
    if (failure !== undefined) this.#fail(failure);
    this.#writer.response.state = 'ended';
    if (reader === undefined && this.#finishedCallbacks === undefined) return undefined;
    // The application is about to be told of the end.
    const held = this.#writer.held();
    return held === undefined ? this.#cleanUp(reader, failure) : this.#cleanUpAfter(held, reader, failure);
  }

  async #cleanUpAfter(
    held: Promise<void>,
    reader: BodyReader | undefined,
    failure: Failure | undefined,
  ): Promise<void> {
    let outcome = failure;
    try {
      await this.#orGone(held);
    } catch (error) {
      outcome ??= { error };
      if (failure === undefined) this.#fail(outcome);
    }
    return this.#cleanUp(reader, outcome);
  }

  #fail({ error: thrown }: Failure): void {
    const sink = this.#sink;
    const { response, handedOver } = this.#writer;
    if (handedOver !== undefined) {
      failHandedOver(handedOver, thrown, this.#writer);
      return;
    }
    const isSent = response.state === 'sent' || response.state === 'ended';
    const isDeparture = this.#isDeparture(thrown);
    const error = !isDeparture && isDisconnection(thrown) ? departureOfAnother(thrown) : thrown;
    if (sink instanceof PublishedSink) sink.publishError(error);
    try {
      if (isDeparture) {
        sink.abort(error);
      } else if (isSent || this.#writer.gone !== undefined) {
        // A client that breaks HTTP, or stalls, is no fault of the application.
        if (!isProtocolError(error) && sink.logsAbort !== true) logError(this.#writer, error);
        sink.abort(error);
      } else {
        if (response.state === 'idle') hintAtMistake(this.#writer, error);
        const exposeErrors = this.#options.exposeErrors ?? GATEWAY_OPTIONS.exposeErrors.default;
        if (sink.fail !== undefined) sink.fail(error);
        else answerFailure(sink, error, { log: this.#writer, exposeErrors });
      }
    } catch (inner) {
      logError(this.#writer, inner);
      giveUp(sink, inner, this.#writer);
    }
  }

  /**
   * Tells if an error only says that this request's client has left, or was cut off by the program that answers it. The
   * DisconnectError of another request is a failure like any other.
   */
  #isDeparture(error: unknown): boolean {
    if (isCutByProgram(error)) return true;
    const isDisconnect = isDisconnection(error);
    if (isDisconnect && error === this.#input.failure) return true;
    // The host may know it already.
    if (isDisconnect) this.#watch();
    const { gone } = this.#writer;
    // An operation that the signal aborts, and a stream that is destroyed while it waits, reject with errors of their own.
    return gone !== undefined && (isDisconnect || causeOf(error) === gone || isEndOfStream(error));
  }

  /** Logs what an application throws after its client has left. */
  #logLate(error: unknown): void {
    if (!this.#isDeparture(error)) logError(this.#writer, error);
  }

  async #cleanUp(reader: BodyReader | undefined, failure: Failure | undefined): Promise<void> {
    if (reader !== undefined) await this.#close(reader, failure);
    const { status, headers } = this.#writer.response;
    const isStarted = status !== '';
    const ending = {
      environ: this.#environ,
      status: isStarted ? status : undefined,
      headers: isStarted ? headers : undefined,
      error: failure?.error,
    };
    await this.#finishedCallbacks?.run(ending, this.#closeTimeout, (error) => logError(this.#writer, error));
  }

  #close(reader: BodyReader, failure?: Failure): Promise<void> {
    const report = (error: unknown): void => {
      // A stream that has failed rejects with the same error when it is closed.
      const isKnown = failure !== undefined && error === failure.error;
      if (!isKnown) this.#logLate(error);
    };
    return reader.close(this.#closeTimeout, report);
  }

  get #closeTimeout(): number {
    return this.#options.closeTimeout ?? GATEWAY_OPTIONS.closeTimeout.default;
  }

  /** `gateway.on_finished`. */
  onFinished(callback: FinishedCallback): void {
    this.#finishedCallbacks ??= new FinishedCallbacks();
    this.#finishedCallbacks.add(callback);
  }

  /** `gateway.signal`. */
  signal(): AbortSignal {
    this.#abortController ??= createDepartureSignal();
    if (this.#writer.gone !== undefined) this.#abortController.abort(this.#writer.gone);
    else if (this.#writer.response.state !== 'ended') this.#watch();
    return this.#abortController.signal;
  }

  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#sink.watch((error) => {
      this.#writer.gone ??= error;
      this.#abortController?.abort(error);
      this.#onGone?.();
    });
  }

  /** Waits for a promise or for the client to leave. `Promise.race` would leak a reaction with each call. */
  #orGone<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => reject(this.#writer.gone);
      if (this.#writer.gone !== undefined) leave();
      this.#onGone = leave;
      promise.then(resolve, (error: unknown) => {
        // Nobody else hears of it then.
        if (this.#writer.gone !== undefined) this.#logLate(error);
        reject(error);
      });
    });
  }
}
