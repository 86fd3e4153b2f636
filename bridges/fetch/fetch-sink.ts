/**
 * Makes a `Response` of the Fetch API.
 *
 * Content that is known as a whole becomes the body as it is. Any other becomes a stream that asks the application for a
 * chunk when it is read: no read-ahead, one chunk at a time.
 *
 * Rule 1: the promise of the response is resolved once, in every case: somebody waits for it.
 * Rule 2: no field of the framing and the connection: those are the runtime's.
 */
import {
  disconnection,
  failureResponse,
  isDisconnection,
  joinOctets,
  logError,
  type RequestLog,
} from '../../src/gateway/index.ts';
import {
  ApplicationError,
  type DisconnectError,
  type ResponseHead,
  type ResponseSink,
} from '../../src/index.ts';
import { sendField } from './field-text.ts';
import { ResponseStream } from './response-stream.ts';

/** Settings of a sink. */
export interface FetchSinkSetting {
  readonly log: RequestLog;
  /** The content of an error response is the stack. */
  readonly exposeErrors: boolean | undefined;
}

/** The response to one request. */
export class FetchSink implements ResponseSink {
  readonly #request: Request;
  readonly #setting: FetchSinkSetting;
  #signal: AbortSignal | undefined;
  #head: ResponseHead | undefined;
  #response: Response | undefined;
  #resolve: ((response: Response) => void) | undefined;
  #stream: ResponseStream | undefined;
  /** The chunks of content that is whole, and small. */
  #gathered: Uint8Array[] | undefined;
  #isOver = false;
  #gone: DisconnectError | undefined;
  #listener: ((error: DisconnectError) => void) | undefined;

  constructor(request: Request, setting: FetchSinkSetting) {
    this.#request = request;
    this.#setting = setting;
  }

  /** Gives the response. Call it once. */
  response(): Promise<Response> {
    if (this.#response !== undefined) return Promise.resolve(this.#response);
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  writeHead(head: ResponseHead): void {
    if (head.statusCode > MAX_STATUS) {
      const detail = `the Fetch API has none above ${MAX_STATUS}, found ${JSON.stringify(head.status)}`;
      throw new ApplicationError('WSGI_ERR_STATUS_INVALID', detail);
    }
    this.#head = head;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    if (this.#takesNothing(chunk)) {
      if (this.#response === undefined) this.#respond(null);
      return undefined;
    }
    if (this.#gathers(chunk)) return undefined;
    this.#stream ??= this.#begin();
    return chunk.length === 0 ? undefined : this.#stream.give(chunk);
  }

  end(lastChunk: Uint8Array = EMPTY): Promise<void> | undefined {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    if (this.#stream !== undefined) {
      const wait = this.#stream.end(lastChunk);
      if (wait === undefined) this.#finish();
      return wait?.then(() => this.#finish());
    }
    const content = this.#takesNothing(lastChunk) ? EMPTY : this.#gather(lastChunk);
    // A response copies octets, so that the application may use their memory again.
    if (this.#response === undefined) this.#respond(content.length === 0 ? null : content);
    this.#finish();
    return undefined;
  }

  abort(error: unknown): void {
    this.#finish();
    if (this.#stream !== undefined) {
      if (isDisconnection(error)) this.#stream.cut(error);
      else this.#stream.fail(error);
    } else if (this.#response !== undefined) return;
    else if (isDisconnection(error)) this.#give(new Response(null, CLIENT_LEFT));
    else this.#fail(error);
  }

  /** The client leaves by the signal of the request, or by a body that is cancelled. */
  watch(listener: (error: DisconnectError) => void): void {
    if (this.#gone !== undefined) {
      listener(this.#gone);
      return;
    }
    this.#listener = listener;
    if (this.#isOver) return;
    // Requests that a framework has made may have none.
    this.#signal = this.#request.signal;
    if (this.#signal?.aborted) this.#onAbort();
    else this.#signal?.addEventListener('abort', this.#onAbort);
  }

  /** Some runtimes abort the signal also after a response that has gone as a whole. */
  readonly #onAbort = (): void => {
    if (!this.#isOver) this.#leave(this.#signal?.reason);
  };

  #leave(cause: unknown): void {
    if (this.#gone !== undefined) return;
    this.#gone = disconnection('response', cause);
    this.#stream?.cut(this.#gone);
    this.#listener?.(this.#gone);
  }

  #finish(): void {
    this.#isOver = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  /** Keeps a chunk of content whose length the gateway knows, because it is an array or a file. */
  #gathers(chunk: Uint8Array): boolean {
    const { contentLength = Number.POSITIVE_INFINITY, hasContentLengthField } = this.#head ?? {};
    if (this.#stream !== undefined || hasContentLengthField || contentLength > MAX_GATHERED) return false;
    this.#gathered ??= [];
    this.#gathered.push(new Uint8Array(chunk));
    return true;
  }

  #gather(lastChunk: Uint8Array): Uint8Array {
    return this.#gathered === undefined ? lastChunk : joinOctets([...this.#gathered, lastChunk]);
  }

  #begin(): ResponseStream {
    const { contentLength } = this.#head ?? {};
    const stream = new ResponseStream(contentLength, (reason) => {
      if (!this.#isOver) this.#leave(reason);
    });
    this.#respond(withLength(stream.readable, contentLength));
    return stream;
  }

  /** Tells if the response has no content. What an application gives all the same is left out and logged. */
  #takesNothing(chunk: Uint8Array): boolean {
    const { isBodiless = false, statusCode, status } = this.#head ?? {};
    if (isBodiless) return true;
    if (statusCode !== RESET_CONTENT) return false;
    if (chunk.length > 0)
      logError(this.#setting.log, new ApplicationError('WSGI_ERR_CONTENT_FORBIDDEN', status));
    return true;
  }

  #respond(body: Uint8Array | ReadableStream<Uint8Array> | null): void {
    const { statusCode = 200, reason = '' } = this.#head ?? {};
    // Node's types know Uint8Array of an ArrayBuffer only, the constructor takes all.
    const content = body as ConstructorParameters<typeof Response>[0];
    const init = { status: statusCode, statusText: sendField(reason), headers: this.#fields() };
    this.#give(new Response(content, init));
  }

  /** The pairs become one line each, Set-Cookie too. */
  #fields(): [string, string][] {
    const fields: [string, string][] = [];
    if (this.#head === undefined) return fields;
    const { headers, contentLength, hasContentLengthField, statusCode } = this.#head;
    const isReset = statusCode === RESET_CONTENT;
    for (const [name, value] of headers)
      if (!(isReset && name.toLowerCase() === 'content-length')) fields.push([name, sendField(value)]);
    if (!(hasContentLengthField || contentLength === undefined || isReset))
      fields.push(['Content-Length', `${contentLength}`]);
    return fields;
  }

  /** Answers an error after the head, which nobody has seen yet. */
  #fail(error: unknown): void {
    const isHead = this.#request.method === 'HEAD';
    const { head, content } = failureResponse(error, isHead, this.#setting.exposeErrors === true);
    this.#head = head;
    this.#respond(isHead ? null : content);
  }

  #give(response: Response): void {
    this.#response = response;
    this.#resolve?.(response);
  }
}

const EMPTY = new Uint8Array(0);

/** Octets of content that are worth a copy, so that no stream is made. */
const MAX_GATHERED = 65_536;

type Content = ReadableStream<Uint8Array>;

/** workerd sends Content-Length with such a stream only. */
const { FixedLengthStream } = globalThis as {
  FixedLengthStream?: new (
    length: number,
  ) => { readonly readable: Content; readonly writable: WritableStream };
};

function withLength(content: Content, length: number | undefined): Content {
  if (FixedLengthStream === undefined || length === undefined) return content;
  return content.pipeThrough(new FixedLengthStream(length));
}

/** The Fetch API refuses greater ones. */
const MAX_STATUS = 599;

/** RFC 9110 §15.3.6: it has no content. The Fetch API refuses a body for it, as for 204 and 304. */
const RESET_CONTENT = 205;

/** nginx's status for a client that has left. Nobody gets the response, but frameworks log it. */
const CLIENT_LEFT = { status: 499, statusText: 'Client Closed Request' } as const;
