/**
 * Runs an application for one request: all of PEP 3333's order of events, for every host.
 *
 * The order: the application is called; its body is iterated, one chunk at a time, each handed to the sink before the
 * next is asked for; the head leaves with the first chunk that is not empty, with the first `write()`, or at the end;
 * the body is closed, exactly once; the callbacks of `gateway.on_finished` run. An error before the head becomes the
 * host's error or a 500; after it, a response that is visibly cut off. A client that leaves ends the iteration.
 *
 * Rule 1: a synchronous application that answers with an array takes a synchronous path: no promise, no tick.
 * Rule 2: nothing throws or rejects out of here; what fails is told to the sink or to `wsgi.errors`.
 * Rule 3: the environ belongs to the application from the first call on, so what is needed of it is read before.
 */

import { DisconnectError, ProtocolError } from '../errors.ts';
import type { ResponseSink } from '../port.ts';
import type { ApplicationFunction, Body, Chunk, Environ, ErrorStream, FinishedCallback } from '../wsgi.ts';
import { BodyReader, isPromise } from './body-reader.ts';
import { addExtensions } from './extensions.ts';
import { failureResponse, isInstance, logError } from './failure.ts';
import { fileLength } from './file-wrapper.ts';
import type { OptionsOf } from './option-table.ts';
import { onNextTurn } from './platform.ts';
import { ResponseWriter } from './response-writer.ts';

/** The options of `runApplication`. */
export const GATEWAY_OPTIONS = {
  /** `startResponse` throws at a hop-by-hop header (`'error'`) or leaves it out (`'drop'`). */
  hopByHop: { type: ['error', 'drop'], default: 'error' },
  /** A chunk that is a string is an error. Otherwise it is sent as UTF-8. */
  strict: { type: 'boolean', default: false },
  /** Milliseconds that an abandoned body may take to stop before it is closed anyway. */
  closeTimeout: { type: 'milliseconds', default: 5_000 },
  /** Answers to failures show their stacks to clients; for development. */
  exposeErrors: { type: 'boolean', default: false },
} as const;

/** Options of how applications are run. */
export interface GatewayOptions extends OptionsOf<typeof GATEWAY_OPTIONS> {}

/**
 * Runs an application and drives the sink until the response is over.
 *
 * @param application The application in its function form, as `toApplication` makes it
 * @param environ The environ of the request, as `createEnviron` makes it
 * @param sink Where the response goes
 * @param options What the deployer decided
 * @returns nothing if all is done already, otherwise a promise of it, which never rejects
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
  return new ApplicationRun(environ, sink, options).start(application);
}

const NO_OPTIONS: GatewayOptions = {};
const EMPTY = new Uint8Array(0);

/** Chunks that an iterable may give without ever waiting, before the event loop gets its turn. */
const CHUNKS_IN_A_ROW = 32;

/** Why a run failed; a box, because applications may throw undefined. */
interface Failure {
  readonly error: unknown;
}

class ApplicationRun {
  readonly #environ: Environ;
  readonly #sink: ResponseSink;
  readonly #options: GatewayOptions;
  readonly #errors: ErrorStream;
  readonly #isHead: boolean;
  readonly #writer: ResponseWriter;
  #isWatching = false;
  #onGone: (() => void) | undefined;
  #abortController: AbortController | undefined;
  #finishedCallbacks: FinishedCallback[] | undefined;

  constructor(environ: Environ, sink: ResponseSink, options: GatewayOptions) {
    this.#environ = environ;
    this.#sink = sink;
    this.#options = options;
    this.#errors = environ['wsgi.errors'];
    this.#isHead = environ.REQUEST_METHOD === 'HEAD';
    this.#writer = new ResponseWriter(sink, environ, options);
    addExtensions(environ, sink, this.#writer, this);
  }

  start(application: ApplicationFunction): Promise<void> | undefined {
    try {
      const body = application(this.#environ, this.#writer.startResponse);
      return isPromise(body) ? this.#await(body) : this.#take(body);
    } catch (error) {
      return this.#finish(undefined, { error });
    }
  }

  #take(body: Body): Promise<void> | undefined {
    return this.#writer.writing === undefined && isPlainArray(body) ? this.#answer(body) : this.#serve(body);
  }

  /**
   * Waits for the body of an asynchronous application, or for the client to leave; a body that comes after that is
   * closed unread. One promise, not `await`: that would make five, and cost a request 0.5 µs (Node 20).
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
        if (!isOver) resolve(this.#finish(undefined, { error }));
        isOver = true;
      };
      // A host that tells of a departure has more to do before it hears what became of it.
      const leave = (): void => queueMicrotask(() => fail(this.#writer.gone));
      this.#onGone = leave;
      this.#watch();
      promised.then(settle, fail);
    });
  }

  /** A body that came too late; if it is none at all, there is nobody left to be told. */
  #closeUnread(body: Body): void {
    try {
      this.#close(new BodyReader(body)).catch(ignore);
    } catch (error) {
      logError(this.#errors, error);
    }
  }

  /** The synchronous path: the whole body is there, so that its length is known (PEP 3333). */
  #answer(body: readonly Chunk[]): Promise<void> | undefined {
    // The type of a chunk is checked by the writer, whatever it is.
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

  /** Most bodies are one chunk, and need no list of others. */
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

  /** Sends the chunks of an array: none of them has to be waited for, but the client may have to be. */
  #sendAll(chunks: Uint8Array[], last: Uint8Array): Promise<void> | undefined {
    for (let index = 0; index < chunks.length; index += 1) {
      const wait = this.#writer.send(chunks[index] ?? EMPTY);
      if (wait !== undefined) {
        return this.#serve([...chunks.slice(index + 1), last], wait);
      }
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

  /** The asynchronous path: the body has to be iterated, or the client has to be waited for. */
  async #serve(body: Body, wait?: Promise<void>): Promise<void> {
    let reader: BodyReader | undefined;
    try {
      this.#watch();
      if (wait !== undefined) await this.#orGone(wait);
      reader = new BodyReader(body);
      await this.#settleWrites();
      const length = fileLength(body);
      await this.#iterate(reader, isPromise(length) ? await length : length);
      await this.#settleWrites();
      await this.#complete();
    } catch (error) {
      return this.#finish(reader, { error });
    }
    return this.#finish(reader);
  }

  /** PEP 3333: what was written goes before what is yielded. A `write` that failed is its caller's affair. */
  async #settleWrites(): Promise<void> {
    while (this.#writer.writing !== undefined) {
      try {
        await this.#orGone(this.#writer.writing);
      } catch (error) {
        if (isInstance(error, DisconnectError)) throw error;
      }
    }
  }

  async #iterate(reader: BodyReader, length: number | undefined): Promise<void> {
    const writer = this.#writer;
    for (let count = 1; ; count += 1) {
      const next = reader.next();
      const step = isPromise(next) ? await this.#orGone(next) : next;
      if (step.done === true) return;
      // The type of a chunk is checked here and not by the iterable that gave it.
      const chunk = writer.toOctets(step.value as Chunk);
      if (chunk.length > 0) {
        if (writer.response.state !== 'sent') writer.sendHead(length);
        const wait = writer.send(chunk);
        if (wait !== undefined) await this.#orGone(wait);
        if (writer.response.isFull) return;
      }
      // An iterable that never waits must not keep everybody else from being served.
      if (count % CHUNKS_IN_A_ROW === 0) await new Promise<void>(onNextTurn);
      if (writer.gone !== undefined) throw writer.gone;
    }
  }

  async #complete(): Promise<void> {
    const writer = this.#writer;
    if (writer.response.state !== 'sent') writer.sendHead(0);
    const wait = writer.end(EMPTY);
    if (wait !== undefined) await this.#orGone(wait);
  }

  /** The end of every run: tells what failed, closes the body, calls the callbacks. */
  #finish(reader?: BodyReader, failure?: Failure): Promise<void> | undefined {
    if (failure !== undefined) this.#fail(failure);
    this.#writer.response.state = 'ended';
    if (reader === undefined && this.#finishedCallbacks === undefined) return undefined;
    return this.#cleanUp(reader, failure);
  }

  #fail({ error }: Failure): void {
    const sink = this.#sink;
    const { gone, response } = this.#writer;
    const isSent = response.state === 'sent' || response.state === 'ended';
    try {
      if (gone !== undefined || isInstance(error, DisconnectError)) {
        sink.abort(error);
      } else if (isSent) {
        logError(this.#errors, error);
        sink.abort(error);
      } else if (sink.fail !== undefined) {
        sink.fail(error);
      } else {
        this.#answerFailure(error);
      }
    } catch (inner) {
      logError(this.#errors, inner);
      this.#giveUp(inner);
    }
  }

  /** The host could not be told of the failure; its client must not wait for ever all the same. */
  #giveUp(error: unknown): void {
    try {
      this.#sink.abort(error);
    } catch (inner) {
      logError(this.#errors, inner);
    }
  }

  #answerFailure(error: unknown): void {
    const sink = this.#sink;
    const isProtocolError = isInstance(error, ProtocolError);
    if (!isProtocolError) logError(this.#errors, error);
    const { head, content } = failureResponse(error, this.#isHead, this.#options.exposeErrors === true);
    // What the client sent cannot be trusted to end where it seems to.
    if (isProtocolError) sink.direct?.({ close: true });
    sink.writeHead(head);
    (head.isBodiless ? sink.end() : sink.end(content))?.catch(ignore);
  }

  async #cleanUp(reader: BodyReader | undefined, failure: Failure | undefined): Promise<void> {
    if (reader !== undefined) await this.#close(reader);
    const { response } = this.#writer;
    const isStarted = response.status !== '';
    for (const callback of (this.#finishedCallbacks ?? []).reverse()) {
      try {
        await callback(
          this.#environ,
          isStarted ? response.status : undefined,
          isStarted ? response.headers : undefined,
          failure?.error,
        );
      } catch (error) {
        logError(this.#errors, error);
      }
    }
  }

  #close(reader: BodyReader): Promise<void> {
    const report = (error: unknown): void => {
      if (!isInstance(error, DisconnectError)) logError(this.#errors, error);
    };
    return reader.close(this.#options.closeTimeout ?? GATEWAY_OPTIONS.closeTimeout.default, report);
  }

  /** `gateway.on_finished`. */
  onFinished(callback: FinishedCallback): void {
    this.#finishedCallbacks ??= [];
    this.#finishedCallbacks.push(callback);
  }

  /** `gateway.signal`. */
  signal(): AbortSignal {
    this.#abortController ??= new AbortController();
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

  /** Waits for a promise, or for the client to leave. Not a race: that would leave a reaction behind each time. */
  #orGone<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => reject(this.#writer.gone);
      if (this.#writer.gone !== undefined) leave();
      this.#onGone = leave;
      promise.then(resolve, reject);
    });
  }
}

/** An array whose content is what its elements are; one with a `close()` or an iterator of its own is not plain. */
function isPlainArray(body: Body | Promise<Body>): body is Chunk[] {
  return (
    Array.isArray(body) &&
    !('close' in body && body.close !== undefined) &&
    body[Symbol.iterator] === Array.prototype[Symbol.iterator]
  );
}

function ignore(): void {}
