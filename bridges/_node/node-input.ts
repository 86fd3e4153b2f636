/**
 * `wsgi.input` over the content of a host's request: a node stream, read in paused mode.
 *
 * The stream is read only when the application reads. When nobody reads any more, the rest is drained: a client that
 * cannot finish its upload may never read its answer, and the next request waits behind it. A reader after the answer
 * is a read that waits, or an iteration that is open. Single reads have a turn of the event loop each.
 *
 * Rule: no `for await` and no `pipe`. Leaving such a loop destroys the request, and on Node 20 its socket.
 */

import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { disconnection } from '../../src/gateway/index.ts';
import { ApplicationError, type InputSource } from '../../src/index.ts';
import { hasSentContinue, isClosedInOrder, isHttp2Message } from '../../src/node-internals/index.ts';

interface Waiter {
  resolve(chunk: Uint8Array | null): void;
  reject(error: unknown): void;
}

/** Content that must be released after the run. */
export interface HostInput extends InputSource {
  /** Releases the content after the run; what nobody reads is drained. */
  release(): void;
  /**
   * Calls back when the content has been read to its end, or is let go of before. Missing if the request itself ends
   * when its content has been read.
   */
  whenOver?(callback: (isWhole: boolean) => void): void;
}

/** The content of one request. */
export class NodeInput implements HostInput {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  protected readonly stream: Readable;
  /** An onlooker had set the content flowing, so it must flow again in the end. */
  readonly #wasFlowing: boolean;
  #state: 'idle' | 'reading' | 'drained' = 'idle';
  #isOver = false;
  /** Octets that the application has got so far. */
  #given = 0;
  #pulls = 0;
  #iterations = 0;
  #waiter: Waiter | undefined;
  #failure: unknown;
  /** Added at the first read: most requests are never read. */
  #listeners: [emitter: EventEmitter, event: string, listener: (...args: unknown[]) => void][] | undefined;

  /**
   * @param req The request of the host
   * @param res Its response, which sends `100 Continue`
   * @param stream Read instead of the request, if something decodes it
   */
  constructor(req: IncomingMessage, res: ServerResponse, stream: Readable = req) {
    this.#req = req;
    this.#res = res;
    this.stream = stream;
    // A mere onlooker (a logger) would let the content pass before the application reads.
    this.#wasFlowing = stream.readableFlowing === true;
    if (this.#wasFlowing) stream.pause();
  }

  pull(): Uint8Array | null | Promise<Uint8Array | null> {
    this.#pulls += 1;
    if (this.#state === 'idle') this.#begin();
    if (this.#state === 'drained') {
      throw drained();
    }
    const chunk = this.#read();
    if (chunk !== null) return chunk;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.isAtEnd) return this.#end();
    if (this.stream.destroyed) throw disconnection('request');
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  beginIteration(): void {
    this.#iterations += 1;
  }

  endIteration(): void {
    this.#iterations -= 1;
    if (this.#isOver) this.#drainSoon();
  }

  release(): void {
    if (this.#isOver || this.stream.readableEnded) return;
    this.#isOver = true;
    // Node itself drains a request that nobody has touched, once it is answered.
    const isUntouched = this.#state === 'idle' && this.stream === this.#req && !this.#wasFlowing;
    if (!isUntouched) this.#drainAfterResponse();
  }

  /**
   * Another handler may answer instead, and want the rest, so it is drained after the answer. Over HTTP/2 no response
   * finishes before its request was read.
   */
  #drainAfterResponse(): void {
    const isHttp2 = isHttp2Message(this.#req, this.#req.httpVersionMajor);
    if (this.#res.writableFinished || this.#res.destroyed || isHttp2) this.#drainSoon();
    else this.#res.once('finish', () => this.#drainSoon());
  }

  /** Drains the rest after a turn in which nobody has read. */
  #drainSoon(): void {
    const pulls = this.#pulls;
    if (pulls === 0) this.#drain();
    else
      setImmediate(() => {
        if (pulls === this.#pulls) this.#drain();
        else this.#drainSoon();
      });
  }

  #drain(): void {
    // Removing a listener again would stop the stream that flows (Node 20 to 26).
    if (this.#waiter !== undefined || this.#iterations > 0 || this.#state === 'drained') return;
    this.#state = 'drained';
    for (const [emitter, event, listener] of this.#listeners ?? [])
      if (event === 'readable') emitter.off(event, listener);
    this.stream.resume();
  }

  /** Lets go of the content before its end: nothing is left on the request, and later reads fail. */
  protected detach(): void {
    this.#isOver = true;
    this.#state = 'drained';
    for (const [emitter, event, listener] of this.#listeners ?? []) emitter.off(event, listener);
    this.#listeners = undefined;
    if (this.#wasFlowing) this.stream.resume();
    this.#take()?.reject(drained());
  }

  /** Called when all content has been given. */
  protected ended(): void {}

  /** All content has been read. */
  protected get isAtEnd(): boolean {
    return this.stream.readableEnded;
  }

  /** Takes what the stream has. A string after `setEncoding()`. */
  protected readStream(): Uint8Array | string | null {
    // Node's type is any.
    return this.stream.read();
  }

  #begin(): void {
    if (this.stream.readableEnded || (this.stream.destroyed && !this.#res.destroyed)) {
      const detail = 'it was read by something else while the application ran';
      if (!this.#isEmpty()) this.#failure = new ApplicationError('WSGI_ERR_BODY_CONSUMED', detail);
    }
    if (this.#isTapped()) this.#failure = this.#consumption();
    this.#state = 'reading';
    this.#continue();
    if (this.isAtEnd) return;
    const onFailure = (error?: unknown): void => this.#onFailure(error);
    this.#listen(this.stream, 'readable', () => this.#onReadable());
    // A tool that has patched `on` sees what readers of 'data' get, and each read() emits it too.
    if (Object.hasOwn(this.stream, 'on')) this.#listen(this.stream, 'data', ignore);
    this.#listen(this.stream, 'end', () => this.#onEnd());
    this.#listen(this.stream, 'error', onFailure);
    this.#listen(this.stream, 'close', onFailure);
    // The stream may never be told that the client has left.
    if (this.stream !== this.#req) this.#listen(this.#req, 'close', () => this.#onRequestClose());
    if (this.#isOver) this.#drainAfterResponse();
  }

  #listen(emitter: EventEmitter, event: string, listener: (...args: unknown[]) => void): void {
    this.#listeners ??= [];
    this.#listeners.push([emitter, event, listener]);
    if (event === 'readable' || event === 'data') emitter.on(event, listener);
    else emitter.once(event, listener);
  }

  /**
   * Tells if somebody has read a part of content without a known length and put nothing back. Waiting octets may be
   * what was put back, and count as all.
   */
  #isTapped(): boolean {
    const req = this.#req;
    const isUnread = this.stream !== req || !req.readableDidRead || req.readableLength > 0;
    return !isUnread && req.headers['content-length'] === undefined && !this.#isEmpty();
  }

  /** Tells if the request announces no content. */
  #isEmpty(): boolean {
    const { headers } = this.#req;
    return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  }

  /**
   * RFC 9110 §10.1.1: the client waits for `100 Continue`. Node sends it before the application is called, unless the
   * server has a listener for `checkContinue`: then it is sent at the first read.
   */
  #continue(): void {
    const req: IncomingMessage & ServerLinks = this.#req;
    const res = this.#res;
    if (req.headers.expect?.toLowerCase() !== '100-continue' || req.httpVersion === '1.0') return;
    const server = req.stream?.session?.server ?? req.socket?.server;
    if ((server?.listenerCount('checkContinue') ?? 0) === 0) return;
    if (!res.headersSent && !hasSentContinue(res)) res.writeContinue();
  }

  #read(): Uint8Array | null {
    const read = this.readStream();
    const chunk = typeof read === 'string' ? Buffer.from(read, this.stream.readableEncoding ?? 'utf8') : read;
    if (chunk !== null) this.#given += chunk.length;
    return chunk;
  }

  /** Over HTTP/2 a request that was cut off ends too, but as aborted. */
  #end(): null {
    if (this.#req.aborted) throw disconnection('request');
    if (this.#isShort()) throw this.#consumption();
    this.ended();
    return null;
  }

  /**
   * Tells if somebody has read a part before. A parser may go on before the stream has told of its end (formidable 3
   * does, at the last boundary); the rest then ends without an error.
   */
  #isShort(): boolean {
    if (this.stream !== this.#req || this.stream.readableEncoding !== null) return false;
    return this.#given < Number(this.#req.headers['content-length'] ?? 0);
  }

  #consumption(): ApplicationError {
    return new ApplicationError('WSGI_ERR_BODY_CONSUMED', 'a part of it was read before the mount');
  }

  #onReadable(): void {
    if (this.#waiter === undefined) return;
    const chunk = this.#read();
    if (chunk !== null) this.#take()?.resolve(chunk);
    else if (this.isAtEnd) this.#onEnd();
  }

  #onEnd(): void {
    if (this.#req.aborted) this.#onFailure();
    else if (this.#isShort()) this.#take()?.reject(this.#consumption());
    else {
      this.ended();
      this.#take()?.resolve(null);
    }
  }

  #onFailure(error?: unknown): void {
    if (this.stream.readableEnded && !this.#req.aborted) return;
    // The end is still to come.
    if (error === undefined && this.stream === this.#req && isClosedInOrder(this.#req)) return;
    const isOwn = this.stream !== this.#req && error !== undefined && !this.#req.aborted;
    this.#failure ??= isOwn ? error : disconnection('request', error);
    this.#take()?.reject(this.#failure);
  }

  #onRequestClose(): void {
    if (this.#req.aborted) this.#onFailure();
  }

  #take(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined && this.#isOver) this.#drainSoon();
    return waiter;
  }
}

function ignore(): void {}

function drained(): ApplicationError {
  return new ApplicationError('WSGI_ERR_BODY_CONSUMED', 'the response is over, and the rest was drained');
}

/** The ways from a request to its server, which node's types lack. */
interface ServerLinks {
  readonly stream?: { readonly session?: { readonly server?: Listened } };
  readonly socket: IncomingMessage['socket'] & { readonly server?: Listened };
}

interface Listened {
  listenerCount(name: string): number;
}

/** The content of a request that has none. */
export const NO_CONTENT: HostInput = {
  pull: () => null,
  release() {},
};

/** Makes an input of content in memory, or of an error in its place. */
export function memoryInput(content: Uint8Array | ApplicationError): HostInput {
  let rest: Uint8Array | null = content instanceof Uint8Array ? content : null;
  return {
    pull(): Uint8Array | null {
      if (content instanceof ApplicationError) throw content;
      const chunk = rest;
      rest = null;
      return chunk;
    },
    release(): void {},
  };
}
