/**
 * Sends a response as a stream: a head in JSON, eight octets of zero, then the content (the content type
 * `application/vnd.awslambda.http-integration-response`).
 *
 * Rule 1: the stream of the runtime is not quite a stream of node. It sends the head with the first `write`, even an
 *         empty one, and not with `end`; it takes what is neither Buffer nor Uint8Array for JSON (runtime client 3 and 4).
 * Rule 2: a response that fails after its head rejects the handler, by which the runtime tells Lambda. A stream that is
 *         destroyed ends the process of the runtime.
 */
import { disconnection, failureResponse, isDisconnection } from '../../src/gateway/index.ts';
import type { DisconnectError, ResponseHead, ResponseSink } from '../../src/index.ts';
import { checkSize, type InvocationFailure, type SinkSettings, viewOf } from './lambda-sink.ts';
import type { ResultHead } from './result.ts';

/** The response stream of Lambda's runtime, as far as it is used. */
export interface LambdaResponseStream {
  readonly writableFinished?: boolean | undefined;
  write(chunk: Uint8Array, callback?: (error?: Error | null) => void): boolean;
  end(callback?: () => void): unknown;
  on(event: 'error' | 'close', listener: (error?: Error) => void): unknown;
  /** Missing where something else than the runtime of Lambda has made the stream. */
  setContentType?(contentType: string): void;
}

/** Makes a stream that sends a head before the first piece. */
export type StreamOpener = (stream: LambdaResponseStream, head: ResultHead) => LambdaResponseStream;

const HEAD_TYPE = 'application/vnd.awslambda.http-integration-response';
const EMPTY = Buffer.alloc(0);

/** Does what `HttpResponseStream.from` of the runtime does, where there is no runtime. */
export const openStream: StreamOpener = (stream, head) => {
  stream.setContentType?.(HEAD_TYPE);
  stream.write(Buffer.from(`${JSON.stringify(head)}${'\0'.repeat(8)}`));
  return stream;
};

/** Streams the response to one event. */
export class LambdaStreamSink implements ResponseSink {
  /** The response was cut off: the invocation fails. */
  failure: InvocationFailure | undefined;
  /** Settles when the stream has ended, or will not. Never rejects. */
  ended: Promise<void> | undefined;
  readonly #settings: SinkSettings;
  readonly #open: StreamOpener;
  #stream: LambdaResponseStream;
  /** Held back until the first piece. */
  #head: ResponseHead | undefined;
  #isBegun = false;
  #length = 0;
  #gone: DisconnectError | undefined;
  readonly #listeners = new Set<(error: DisconnectError) => void>();

  constructor(stream: LambdaResponseStream, open: StreamOpener, settings: SinkSettings) {
    this.#stream = stream;
    this.#open = open;
    this.#settings = settings;
    stream.on('error', (cause) => this.#leave(cause));
    stream.on('close', () => this.#leave());
  }

  writeHead(head: ResponseHead): void {
    if (!head.isBodiless) checkSize(head.contentLength ?? 0, this.#settings.limit);
    this.#head = head;
  }

  write(chunk: Uint8Array): Promise<void> {
    this.#count(chunk);
    return this.#send(chunk);
  }

  end(lastChunk?: Uint8Array): Promise<void> {
    if (lastChunk !== undefined) this.#count(lastChunk);
    return this.#finish(lastChunk);
  }

  #finish(lastChunk?: Uint8Array): Promise<void> {
    if (lastChunk !== undefined || this.#head !== undefined) this.#send(lastChunk ?? EMPTY).catch(ignore);
    const ended = this.#settle((done) => this.#stream.end(done));
    this.ended = ended.catch(ignore);
    return ended;
  }

  abort(error: unknown): void {
    if (this.#isBegun || isDisconnection(error)) {
      this.failure = { error };
      return;
    }
    const { isHead, exposeErrors } = this.#settings;
    const { head, content } = failureResponse(error, isHead, exposeErrors);
    this.#head = head;
    this.#finish(isHead ? undefined : content).catch(ignore);
  }

  /** The runtime tells only that the stream is broken; Lambda runs on when a client has left. */
  watch(listener: (error: DisconnectError) => void): void {
    if (this.#gone === undefined) this.#listeners.add(listener);
    else listener(this.#gone);
  }

  #count(chunk: Uint8Array): void {
    this.#length += chunk.length;
    checkSize(this.#length, this.#settings.limit);
  }

  #send(chunk: Uint8Array): Promise<void> {
    if (this.#head !== undefined) {
      this.#stream = this.#open(this.#stream, this.#settings.formatHead(this.#head));
      this.#head = undefined;
      this.#isBegun = true;
    }
    return this.#settle((done) => this.#stream.write(viewOf(chunk), done));
  }

  /** Waits for a callback of the stream, which a broken one does not call. */
  #settle(act: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#listeners.add(reject);
      act((error) => {
        this.#listeners.delete(reject);
        if (error) this.#leave(error);
        if (this.#gone === undefined) resolve();
        else reject(this.#gone);
      });
    });
  }

  #leave(cause?: Error): void {
    if (this.#gone !== undefined || this.#stream.writableFinished === true) return;
    this.#gone = disconnection('response', cause);
    for (const listener of this.#listeners) listener(this.#gone);
    this.#listeners.clear();
  }
}

function ignore(): void {}
