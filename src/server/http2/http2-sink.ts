/**
 * One exchange on a stream of HTTP/2: the sink of its response, with the content of its request.
 *
 * Turns the port into calls of node's stream; node frames, compresses fields and controls the flow. session-connection.ts
 * makes one for each stream, and tells it of the clock.
 *
 * Rule 1: the head is held back until it is known if content follows, so that a response without content is one frame.
 * Rule 2: a stream ends in one of three ways: the response is complete, the application is to blame and resets it, or the
 *         client has left, which includes every reset that is not ours.
 */
import type { ServerHttp2Stream } from 'node:http2';
import { ApplicationError, type DisconnectError, disconnection, type ProtocolError } from '../../errors.ts';
import { failureResponse } from '../../gateway/failure.ts';
import { isForbiddenTrailer } from '../../http/index.ts';
import type { ConnectionDirectives, ResponseHead, ResponseSink } from '../../port.ts';
import type { HandedOver, HeaderList } from '../../wsgi.ts';
import type { ConnectionOwner } from '../connection-owner.ts';
import { type Content, NO_CONTENT, RequestContent } from '../exchange/request-content.ts';
import type { ServerSettings } from '../options.ts';
import { NOT_NOTED } from '../timeouts.ts';
import { moreFields, responseFields } from './response-fields.ts';
import { type InputListener, StreamInput } from './stream-input.ts';
import type { StreamRequest } from './stream-request.ts';
import { StreamWriter } from './stream-writer.ts';
import type { UpgradeSocket } from './upgrade-socket.ts';

/** RFC 9113 §7. */
const NO_ERROR = 0;
const INTERNAL_ERROR = 2;

/** RFC 8441 §4. */
const NOT_IMPLEMENTED: ResponseHead = {
  status: '501 Not Implemented',
  statusCode: 501,
  reason: 'Not Implemented',
  headers: [],
  contentLength: 0,
  hasContentLengthField: false,
  isBodiless: false,
};

/** The session of an exchange. */
export interface SinkSession {
  readonly server: ConnectionOwner;
  /** Octets wait for the client, so that advice would pile up. */
  readonly isFull: boolean;
  /** The client has broken the content. */
  onContentFault(error: unknown): void;
}

/** One exchange. */
export class Http2Sink implements ResponseSink, InputListener {
  readonly stream: ServerHttp2Stream;
  readonly writer: StreamWriter;
  /** The response is complete, or cut off by us. */
  isEnded = false;
  /** No field tells of the content (RFC 9113 §8.1). */
  isUnannounced = false;
  /** Of the request, once its head is read. */
  content: Content = NO_CONTENT;
  /** We have reset the stream, and the application is to blame. */
  isCut = false;
  /** The stream is closed. */
  isClosed = false;
  /** The run of the application is not over. */
  isRunning = false;
  /** The application has promised an answer, if it is followed. */
  isWorking = false;
  /** When the stream was reset for a fault of its client, by performance.now(). */
  resetAt: number | undefined;
  /** When the response ended, by performance.now(), or NOT_NOTED; undefined while it has not. */
  endedAt: number | undefined;
  readonly #session: SinkSession;
  #input: StreamInput | undefined;
  #onDisconnect: ((error: DisconnectError) => void) | undefined;
  #disconnect: DisconnectError | undefined;
  /** The head, while it is held back. */
  #head: ResponseHead | undefined;
  #trailers: HeaderList | undefined;
  #sendsDate = true;
  #hasTurn = false;
  #makeSocket: (() => UpgradeSocket) | undefined;
  /** The application has answered an extended CONNECT as if it were a GET. */
  #isRefused = false;
  #isWritten = false;

  constructor(stream: ServerHttp2Stream, session: SinkSession) {
    this.stream = stream;
    this.#session = session;
    this.writer = new StreamWriter(stream);
  }

  get settings(): ServerSettings {
    return this.#session.server.settings;
  }

  /** A deployer may have added fields, and so may we. */
  get hasOwnEnviron(): boolean {
    return this.#session.server.options.environ === undefined && !this.isUnannounced;
  }

  /** The request has content, or may have. */
  expectContent({ expectsContinue, hasLength }: StreamRequest): void {
    this.isUnannounced = !hasLength;
    this.#input = new StreamInput(this.stream, this);
    this.content = new RequestContent({ expectsContinue, isChunked: true }, this.#input);
  }

  /** The request asks for another protocol, and has no content of its own. */
  offerSocket(make: () => UpgradeSocket): void {
    this.#makeSocket = make;
  }

  get handOver(): (() => HandedOver) | undefined {
    return this.#makeSocket === undefined ? undefined : this.takeSocket;
  }

  /** Hands the stream over. @throws DisconnectError if the client has left */
  takeSocket(): { readonly socket: UpgradeSocket; readonly head: Buffer } {
    const make = this.#makeSocket;
    if (make === undefined || this.#isGone()) throw this.#disconnect ?? disconnection('response');
    this.#makeSocket = undefined;
    this.isEnded = true;
    const socket = make();
    // An error would be an uncaught one until the new owner listens.
    socket.on('error', () => {});
    return { socket, head: Buffer.alloc(0) };
  }

  // The client.

  watch(listener: (error: DisconnectError) => void): void {
    if (this.#disconnect !== undefined) listener(this.#disconnect);
    else this.#onDisconnect = listener;
  }

  /** The stream is closed. */
  closed(): void {
    this.isClosed = true;
    const isContentWhole = this.content.isEnded || this.#input?.isWhole === true;
    const isInOrder = this.isEnded && this.stream.rstCode === NO_ERROR && !this.writer.isWaiting;
    if (!isInOrder || !isContentWhole) this.disconnect();
  }

  /** The client has left. */
  disconnect(): void {
    if (this.#disconnect !== undefined) return;
    const error = disconnection('response');
    this.#disconnect = error;
    if (this.#input?.isWhole !== true) this.content.fail(error);
    this.writer.fail(error);
    if (!this.isEnded) this.#onDisconnect?.(error);
    // What is left of the content would keep the stream (Node 20 to 26).
    this.#input?.discard();
  }

  onInput(): void {
    if (this.isEnded) this.#finishContent();
    else this.content.onInput();
  }

  sendContinue(): void {
    if (this.#canSend) this.stream.additionalHeaders({ ':status': 100 });
  }

  onContentFault(error: unknown): void {
    this.#session.onContentFault(error);
  }

  /** Content comes too late. */
  failContent(error: ProtocolError): void {
    this.onContentFault(error);
    this.content.fail(error);
    if (this.isEnded) this.#finishContent();
  }

  /** Gives the application a whole turn to read on after its response. */
  leaveTurn(): void {
    if (this.#hasTurn) return;
    this.#hasTurn = true;
    setImmediate(() => {
      this.#hasTurn = false;
      if (this.isEnded) this.#finishContent();
    });
  }

  /** The response has ended: the application reads on, or the stream is closed. */
  #finishContent(): void {
    if (this.#hasTurn || this.content.isEnded) return;
    const next = this.content.finish(false, 0);
    if (next === 'turn') this.leaveTurn();
    else if (next === 'closing' && this.#isWritten) {
      // RFC 9113 §8.1: the client may stop sending, without an error.
      this.stream.close(NO_ERROR);
      this.#input?.discard();
    }
  }

  // The response.

  get #canSend(): boolean {
    return this.#disconnect === undefined && !this.stream.closed && !this.stream.destroyed;
  }

  writeHead(head: ResponseHead): void {
    // RFC 8441 §5: any 2xx would open the tunnel.
    this.#isRefused = this.#makeSocket !== undefined && head.statusCode < 300;
    const sent = this.#isRefused ? NOT_IMPLEMENTED : head;
    this.#session.server.tally.countResponse(sent.statusCode);
    this.#head = sent;
    if (this.content.awaitsContinue) this.content.awaitsContinue = false;
  }

  /** Sends the head. @param isWhole There is no content, and no trailer section */
  #sendHead(head: ResponseHead, isWhole: boolean, hasTrailers: boolean): void {
    this.#head = undefined;
    const { stream } = this;
    const server = this.#session.server.options.serverHeader;
    const fields = responseFields(head, { server, sendsDate: this.#sendsDate });
    if (hasTrailers) stream.once('wantTrailers', () => this.#sendTrailers());
    // node's types lack `sendDate`.
    const options = { endStream: isWhole, waitForTrailers: hasTrailers, sendDate: false };
    stream.respond(fields, options);
  }

  #sendTrailers(): void {
    if (this.#canSend) this.stream.sendTrailers(moreFields(this.#trailers ?? []));
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#isGone()) return Promise.reject(this.#disconnect);
    if (this.#isRefused) return this.#refuseContent();
    if (this.#head !== undefined) this.#sendHead(this.#head, false, true);
    return chunk.length === 0 ? undefined : this.writer.write(chunk);
  }

  end(lastChunk?: Uint8Array): Promise<void> | undefined {
    if (this.#isGone()) return Promise.reject(this.#disconnect);
    const head = this.#head;
    const hasContent = lastChunk !== undefined && lastChunk.length > 0 && !this.#isRefused;
    let wait: Promise<void> | undefined;
    if (head === undefined || hasContent || (this.#trailers !== undefined && !head.isBodiless)) {
      if (head !== undefined) this.#sendHead(head, false, this.#trailers !== undefined);
      wait = this.writer.end(lastChunk);
    } else this.#sendHead(head, true, false);
    this.#end();
    if (wait === undefined) this.#written();
    else
      wait.then(
        () => this.#written(),
        () => {},
      );
    return wait;
  }

  /** All of the response is with node, which sends it before a reset without an error. */
  #written(): void {
    this.#isWritten = true;
    if (!this.content.isEnded) this.#finishContent();
    // The client would keep its half open for the other protocol.
    if (this.#makeSocket !== undefined) this.#closeSoon();
  }

  /** A reset at once would overtake a response without content (Node 26). */
  #closeSoon(): void {
    setImmediate(() => this.stream.close(NO_ERROR));
  }

  /** The content of an answer that is refused goes nowhere, and may have no end: to the application its client has left. */
  #refuseContent(): Promise<void> {
    if (this.#head !== undefined) {
      this.#sendHead(this.#head, true, false);
      this.#closeSoon();
    }
    this.disconnect();
    return Promise.reject(this.#disconnect);
  }

  #end(): void {
    this.isEnded = true;
    this.endedAt = NOT_NOTED;
  }

  /** A stream is closed a little before its events tell so. */
  #isGone(): boolean {
    if (!this.stream.destroyed && !this.stream.closed) return this.#disconnect !== undefined;
    this.disconnect();
    return true;
  }

  abort(_error: unknown): void {
    if (this.isEnded) return;
    const isOurs = this.#disconnect === undefined;
    this.#end();
    const { stream } = this;
    if (isOurs) {
      this.isCut = true;
      stream.close(INTERNAL_ERROR);
    } else if (this.resetAt === undefined && stream.aborted) {
      // Node keeps a stream that was cancelled with NO_ERROR, and what waits in it, for ever (Node 20).
      stream.destroy();
    }
    this.#input?.discard();
  }

  /**
   * Resets the stream, for which its client is to blame: to the application it has left.
   *
   * @param code An error code of RFC 9113 §7
   */
  reset(code: number): void {
    // First, because node emits 'aborted' before it sends the frame.
    this.resetAt = performance.now();
    this.stream.close(code);
    this.disconnect();
  }

  /** Answers a request that is refused; no application is asked. */
  refuse(error: ProtocolError, method: string | undefined): void {
    if (this.#isGone()) return;
    const { head, content } = failureResponse(error, method === 'HEAD', false);
    this.writeHead(head);
    this.end(head.isBodiless ? undefined : content)?.catch(() => {});
  }

  informational(statusCode: number, headers: HeaderList): void {
    if (this.#head !== undefined || this.stream.headersSent || !this.#canSend) return;
    if (statusCode === 100) this.content.awaitsContinue = false;
    // Advice that the client does not take must not pile up: it can do without (RFC 9110 §15.2).
    else if (this.#session.isFull) return;
    this.stream.additionalHeaders(moreFields(headers, statusCode));
  }

  trailers(headers: HeaderList): void {
    for (const [name] of headers) {
      if (isForbiddenTrailer(name)) throw new ApplicationError('WSGI_ERR_TRAILER_FORBIDDEN', name);
    }
    this.#trailers = [...(this.#trailers ?? []), ...headers];
  }

  /** A stream has no connection of its own (RFC 9113 §8.2.2): most directives mean nothing here. */
  direct({ sendDate }: ConnectionDirectives): void {
    if (sendDate !== undefined) this.#sendsDate = sendDate;
  }
}
