/**
 * A sink over node's ServerResponse, also over that of HTTP/2's compatibility API.
 *
 * The response belongs to the host: other code has patched it, listens to it, may have answered on it. So the sink
 * sends the final response by its public methods only, looked up anew each time.
 *
 * Rule: every wait ends with `close` too, and nothing waits on a closed response, which neither drains nor finishes.
 */

import type { EventEmitter } from 'node:events';
import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { disconnection } from '../../src/gateway/index.ts';
import {
  ApplicationError,
  type ConnectionDirectives,
  type DisconnectError,
  type HandedOver,
  type HeaderList,
  type ResponseHead,
  type ResponseSink,
} from '../../src/index.ts';
import {
  canReset,
  flushHead,
  isHttp2Message,
  isNodeSocket,
  latin1Text,
  TEXT_LIMIT,
  writeRaw,
} from '../../src/node-internals/index.ts';
import { handOverOf } from './hand-over.ts';
import { COPY_LIMIT, heldBelow, refersBelow } from './held-below.ts';
import { onceLost } from './lost-connections.ts';
import { isPatched, prepareHead, toHeaderObject, writeHead, writeHttp2Head } from './response-head.ts';

/** The stream behind HTTP/2's compatibility API. */
interface Http2Response {
  readonly stream: EventEmitter & {
    readonly aborted: boolean;
    readonly destroyed: boolean;
    destroy(): void;
    readonly headersSent: boolean;
    readonly rstCode: number;
    additionalHeaders(headers: Record<string, number | string | string[]>): void;
    close(code: number): void;
  };
}

/** Node's own methods. A response with others was patched or has another class. */
const { end: nodeEnd, write: nodeWrite } = ServerResponse.prototype;

/** RFC 9113 §7. */
const INTERNAL_ERROR = 2;

/** Milliseconds between the last octets and a reset. */
const RESET_DELAY = 20;

/** Sends one response. */
export class NodeSink implements ResponseSink {
  protected readonly res: ServerResponse;
  /** Code of the host refused the head, so another one can still be sent. */
  protected hasHeadFailed = false;
  /** Removes the listener for a client that leaves. */
  protected unwatch: (() => void) | undefined;
  readonly #req: IncomingMessage;
  readonly #http2: Http2Response | undefined;
  /** The response is the application's, not one that the host has begun. */
  #hasBegun = false;
  /** The client knows the length of the content. */
  #isDelimited = false;
  #isDelivered = false;
  /**
   * The connection, while it is surely open: node has just written the head, and nobody has touched the response
   * since. Asking the response again is slow under Express on Node 20, where each response has a shape of its own.
   */
  #openSocket: Socket | undefined;
  #fields: ConnectionDirectives['fields'];
  /** Ends the waits for room. Undefined before the first one. */
  #onDrain: (() => void) | undefined;
  /** Set while the head waits for the first write, because `write` or `end` is patched. */
  #undoHead: (() => void) | undefined;

  /**
   * @param req The request of the host
   * @param res Its response
   */
  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req;
    this.res = res;
    // The compatibility API's class, which node's types do not relate to ServerResponse.
    this.#http2 = isHttp2Message(res, req.httpVersionMajor) ? (res as unknown as Http2Response) : undefined;
  }

  writeHead(head: ResponseHead): void {
    const { res } = this;
    // An HTTP/1 response that has ended has sent its head, or it is destroyed.
    const isEnded = this.#http2 !== undefined && res.writableEnded;
    if (res.headersSent || isEnded) throw new ApplicationError('WSGI_ERR_RESPONSE_TAKEN');
    this.#hasBegun = true;
    this.#isDelimited = head.contentLength !== undefined;
    if (this.#isGone()) return;
    try {
      if (this.#http2 !== undefined) writeHttp2Head(res, head);
      else if (isPatched(res)) this.#undoHead = prepareHead(res, head, this.#fields);
      else if (writeHead(res, head, this.#fields) && isNodeSocket(res.socket)) this.#openSocket = res.socket;
    } catch (error) {
      // The host's code around the head may throw; then nothing has been sent.
      this.hasHeadFailed = !this.res.headersSent;
      throw error;
    }
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    const { res } = this;
    this.#openSocket = undefined;
    if (this.#isGone()) return Promise.reject(disconnection('response'));
    if (res.writableEnded) throw new ApplicationError('WSGI_ERR_RESPONSE_TAKEN');
    if (chunk.length === 0) {
      flushHead(res);
      return undefined;
    }
    const isHeadWritten = this.#undoHead === undefined;
    if (isHeadWritten && chunk.length > COPY_LIMIT && writesAsNode(res, this.#http2 === undefined))
      return this.#writeLarge(chunk);
    const copy = Buffer.from(chunk);
    // A patched method may return nothing: only false means wait, as for `pipe`.
    const hasRoom: unknown = isHeadWritten ? res.write(copy) : this.#begin(() => res.write(copy));
    // The compression middleware keeps octets back until a flush. Node's old `flush` is inherited, and warns.
    if (Object.hasOwn(res, 'flush') && 'flush' in res && typeof res.flush === 'function') res.flush();
    return hasRoom === false ? this.#drains() : undefined;
  }

  /** Writes a chunk, and waits until the operating system has it. */
  #writeLarge(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => reject(disconnection('response'));
      const stopWatching = this.#onceClosed(leave);
      // A socket that a tool has made may call back at once.
      this.res.write(chunk, (error) => {
        stopWatching();
        if (error) leave();
        else resolve();
      });
    });
  }

  end(lastChunk?: Uint8Array): Promise<void> | undefined {
    const { res } = this;
    const socket = res.end === nodeEnd ? this.#openSocket : undefined;
    if (socket === undefined) {
      if (this.#isGone()) return Promise.reject(disconnection('response'));
      if (res.writableEnded) throw new ApplicationError('WSGI_ERR_RESPONSE_TAKEN');
    }
    // Node writes a string together with the head, and a Buffer behind it.
    const isText = socket !== undefined && lastChunk !== undefined && lastChunk.length <= TEXT_LIMIT;
    const content = isText ? latin1Text(lastChunk) : heldBelow(res, lastChunk);
    if (this.#undoHead !== undefined) this.#begin(() => endWith(res, content));
    else endWith(res, content);
    if (typeof content !== 'string' && refersBelow(res, content)) return this.delivered(true);
    if (socket === undefined || socket.writableLength > 0 || !socket.writable) return this.delivered();
    this.#isDelivered = true;
    return undefined;
  }

  /** Makes the call that writes the head. The host's code around it may throw; then nothing has been sent. */
  #begin<Result>(call: () => Result): Result {
    const undo = this.#undoHead;
    this.#undoHead = undefined;
    try {
      return call();
    } catch (error) {
      this.hasHeadFailed = !this.res.headersSent;
      if (this.hasHeadFailed) undo?.();
      throw error;
    }
  }

  /**
   * Waits until the client has taken a response that is complete, even one that the host has completed.
   *
   * @param isReferring A response that looks empty may still refer to memory of the application
   */
  delivered(isReferring = false): Promise<void> | undefined {
    const { res } = this;
    if (!isReferring && this.#http2 === undefined && isTaken(res)) {
      this.#isDelivered = true;
      return undefined;
    }
    if (this.#isGone()) return Promise.reject(disconnection('response'));
    // A client may read nothing before it has sent everything. Node drains an untouched request only once the
    // response was taken, for which such a client would be waited for in vain.
    const req = this.#req;
    const isUntouched = req.readableFlowing === null && !req.readableDidRead;
    if (this.#http2 === undefined && !req.complete && isUntouched) req.resume();
    return this.#finishes();
  }

  abort(_error: unknown): void {
    const { res } = this;
    // A response that the host has begun stays the host's.
    const belongsToHost = !this.#hasBegun && res.headersSent;
    // Node itself keeps a stream that was cancelled with NO_ERROR, and what waits in it, for ever.
    if (this.#http2?.stream.aborted === true) this.#http2.stream.destroy();
    if (belongsToHost || res.writableEnded || this.#isGone()) return;
    if (this.#http2 !== undefined) {
      // A destroyed stream would look like a response that ended well.
      this.#http2.stream.close(INTERNAL_ERROR);
      return;
    }
    if (this.hasHeadFailed && this.#answerFailure()) return;
    if (!this.#hasBegun) {
      // A program has cut its connection, or the host could not be told of an error.
      res.destroy();
      return;
    }
    // Node holds the first piece back until the end of the tick: in the socket, and from Node 26 on in the response.
    // The client gets what was sent, then no more.
    const { socket } = res;
    if (socket !== null && !isNodeSocket(socket)) {
      // A stand-in for a socket takes nothing before its listener has returned.
      setImmediate(() => res.destroy());
      return;
    }
    while (res.writableCorked > 0) res.uncork();
    while (socket?.writableCorked) socket.uncork();
    if (this.#isDelimited || res.chunkedEncoding || !canReset(socket)) res.destroy();
    // Only the end of the connection ends this response, so an orderly end would make it look whole. A reset that
    // comes with the last octets hides them, or is hidden by them, so it comes a little later.
    else setTimeout(() => socket?.resetAndDestroy(), RESET_DELAY);
  }

  #answerFailure(): boolean {
    const { res } = this;
    try {
      res.writeHead(500, { 'Content-Type': 'text/plain' }).end('Internal Server Error\n');
      return true;
    } catch {
      return false;
    }
  }

  watch(listener: (error: DisconnectError) => void): void {
    if (this.#isGone()) listener(disconnection('response'));
    else {
      this.unwatch = this.#onceClosed(() => {
        if (!this.#hasFinished()) listener(disconnection('response'));
      });
    }
  }

  informational(statusCode: number, headers: HeaderList): void {
    const { res } = this;
    // RFC 9110 §15.2: a server sends no 1xx to a client of HTTP/1.0.
    if (this.#req.httpVersion === '1.0' || res.headersSent || this.#isGone()) return;
    if (this.#http2 !== undefined) {
      this.#http2.stream.additionalHeaders({ ':status': statusCode, ...toHeaderObject(headers) });
      return;
    }
    // writeEarlyHints sends nothing without `link`, and node has no method for most others.
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const text = `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}\r\n${lines}\r\n`;
    // A response gets its socket in its turn, so this cannot get into the one before. Responses of our own server
    // have none; they take the text by a method of node's.
    if (!isNodeSocket(res.socket)) writeRaw(res, text);
    // Advice that the client does not take must not pile up: it can do without.
    else if (statusCode === 100 || !res.socket.writableNeedDrain) res.socket.write(text, 'latin1');
  }

  get handOver(): (() => HandedOver) | undefined {
    const handOver = handOverOf(this.#req);
    if (handOver === undefined) return undefined;
    return () => {
      const handedOver = handOver();
      this.unwatch?.();
      return handedOver;
    };
  }

  trailers(headers: HeaderList): void {
    if (!this.res.writableEnded && !this.#isGone()) this.res.addTrailers(toHeaderObject(headers));
  }

  direct(directives: ConnectionDirectives): void {
    const { res } = this;
    // RFC 9113 §8.2.2: over HTTP/2 a request has no connection of its own.
    if (directives.close === true && this.#http2 === undefined) res.shouldKeepAlive = false;
    if (directives.fields !== undefined) this.#fields = directives.fields;
    if (directives.sendDate !== undefined) res.sendDate = directives.sendDate;
    const { socket } = res;
    if (directives.timeout !== undefined && this.#http2 === undefined && socket !== null) {
      // An injected response has a stream instead of a socket.
      if ('setTimeout' in socket) socket.setTimeout(directives.timeout);
    }
  }

  #isGone(): boolean {
    if (this.#http2 !== undefined) return this.#http2.stream.destroyed || this.#http2.stream.aborted;
    return this.res.destroyed || this.#awaitedConnection()?.destroyed === true;
  }

  /**
   * The connection that a pipelined response waits for. When it is lost, Node 20 forgets the waiting responses: they
   * are not destroyed, never close, and never finish.
   */
  #awaitedConnection(): Socket | undefined {
    const isWaiting = this.#http2 === undefined && this.res.socket === null && !this.res.writableFinished;
    if (!isWaiting) return undefined;
    const { socket } = this.#req;
    return isNodeSocket(socket) ? socket : undefined;
  }

  /** Calls a listener when the response is closed or lost. @returns a function that removes the listener */
  #onceClosed(listener: () => void): () => void {
    const { res } = this;
    const awaited = this.#awaitedConnection();
    const forget = awaited === undefined ? undefined : onceLost(awaited, listener);
    // A stream that the client cancels with NO_ERROR is not closed while octets wait for the client (Node 20).
    const stream = this.#http2?.stream;
    const stop = (): void => {
      res.off('close', onClose);
      stream?.off('aborted', onClose);
      forget?.();
    };
    const onClose = (): void => {
      stop();
      listener();
    };
    res.once('close', onClose);
    stream?.once('aborted', onClose);
    return stop;
  }

  /** Over HTTP/2 `finish` comes with each `close`, even if the client has cancelled. */
  #hasFinished(): boolean {
    if (this.#http2 === undefined) return this.#isDelivered || this.res.writableFinished;
    return this.res.writableEnded && this.#http2.stream.rstCode === 0;
  }

  /**
   * Waits for room. One listener serves all waits: the compression middleware passes it on to its own stream, from
   * which `once` would not take it away again.
   */
  #drains(): Promise<void> {
    const earlier = this.#onDrain;
    if (earlier === undefined) this.res.on('drain', () => this.#onDrain?.());
    return new Promise((resolve, reject) => {
      const stopWatching = this.#onceClosed(() => reject(disconnection('response')));
      const goOn = (): void => {
        this.#onDrain = nobodyWaits;
        stopWatching();
        resolve();
        earlier?.();
      };
      this.#onDrain = goOn;
    });
  }

  #finishes(): Promise<void> {
    // A response of HTTP/2 finishes once its request has ended too, its stream once the content was sent.
    const emitter = this.#http2?.stream ?? this.res;
    return new Promise((resolve, reject) => {
      const onClose = (): void => {
        emitter.off('finish', onEvent);
        if (this.#hasFinished()) resolve();
        else reject(disconnection('response'));
      };
      const onEvent = (): void => {
        if (!this.#hasFinished()) return;
        stopWatching();
        resolve();
      };
      emitter.once('finish', onEvent);
      const stopWatching = this.#onceClosed(onClose);
    });
  }
}

function nobodyWaits(): void {}

/** Tells if nobody has replaced `write` of a response. Other code may keep what it is given, and may not call back. */
export function writesAsNode(res: ServerResponse, isHttp1: boolean): boolean {
  return isHttp1 ? res.write === nodeWrite : !Object.hasOwn(res, 'write');
}

function endWith(res: ServerResponse, content: string | Uint8Array | undefined): void {
  if (content === undefined) res.end();
  // A native string: one octet for each code unit.
  else if (typeof content === 'string') res.end(content, 'latin1');
  else res.end(content);
}

/** Tells if the connection has taken a whole response of HTTP/1. */
export function isTaken(res: ServerResponse): boolean {
  // `destroyed` with `writableEnded`: a response of light-my-request, which has finished by then.
  return res.writableFinished || (res.writableEnded && (res.writableLength === 0 || res.destroyed));
}
