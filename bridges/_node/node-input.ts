/**
 * `wsgi.input` over the content of a host's request: a node stream, read in paused mode.
 *
 * The stream is read only when the application reads. The rest is drained in the end: a client that cannot finish its
 * upload may never read its answer, and the next request waits behind it.
 *
 * Rule: no `for await` and no `pipe`. Leaving such a loop destroys the request, and on Node 20 its socket.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { disconnection } from '../../src/gateway/index.ts';
import { ApplicationError, type InputSource } from '../../src/index.ts';
import { hasSentContinue, isHttp2Message } from '../../src/node-internals/index.ts';

interface Waiter {
  resolve(chunk: Uint8Array | null): void;
  reject(error: unknown): void;
}

/** Content that must be released after the run. */
export interface HostInput extends InputSource {
  /** Releases the content after the run; what nobody reads is drained. */
  release(): void;
}

/** The content of one request. */
export class NodeInput implements HostInput {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #stream: Readable;
  /** An onlooker had set the content flowing, so it must flow again in the end. */
  readonly #wasFlowing: boolean;
  #state: 'idle' | 'reading' | 'drained' = 'idle';
  #isOver = false;
  /** Octets that the application has got so far. */
  #given = 0;
  #waiter: Waiter | undefined;
  #failure: unknown;
  /** Made at the first read: most requests are never read. */
  #readableListener: (() => void) | undefined;

  /**
   * @param req The request of the host
   * @param res Its response, which sends `100 Continue`
   * @param stream Read instead of the request, if something decodes it
   */
  constructor(req: IncomingMessage, res: ServerResponse, stream: Readable = req) {
    this.#req = req;
    this.#res = res;
    this.#stream = stream;
    // A mere onlooker (a logger) would let the content pass before the application reads.
    this.#wasFlowing = stream.readableFlowing === true;
    if (this.#wasFlowing) stream.pause();
  }

  pull(): Uint8Array | null | Promise<Uint8Array | null> {
    if (this.#state === 'idle') this.#begin();
    if (this.#state === 'drained') {
      throw new ApplicationError('WSGI_ERR_BODY_CONSUMED', 'the response is over, and the rest was drained');
    }
    const chunk = this.#read();
    if (chunk !== null) return chunk;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#stream.readableEnded) return this.#end();
    if (this.#stream.destroyed) throw disconnection('request');
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  release(): void {
    // Node itself drains a request that nobody has touched, once it is answered.
    const isUntouched = this.#state === 'idle' && this.#stream === this.#req && !this.#wasFlowing;
    if (isUntouched || this.#isOver || this.#stream.readableEnded) return;
    this.#isOver = true;
    // Another handler may answer instead, and want the rest, so it is drained after the answer. Over HTTP/2 no
    // response finishes before its request was read.
    const isHttp2 = isHttp2Message(this.#req, this.#req.httpVersionMajor);
    if (this.#res.writableFinished || this.#res.destroyed || isHttp2) this.#drain();
    else this.#res.once('finish', () => this.#drain());
  }

  /** Drains the rest, unless somebody waits for it: an application may answer first and read on. */
  #drain(): void {
    if (this.#waiter !== undefined) return;
    this.#state = 'drained';
    if (this.#readableListener !== undefined) this.#stream.off('readable', this.#readableListener);
    this.#stream.resume();
  }

  #begin(): void {
    if (this.#stream.readableEnded || (this.#stream.destroyed && !this.#res.destroyed)) {
      const detail = 'it was read by something else while the application ran';
      if (!this.#isEmpty()) this.#failure = new ApplicationError('WSGI_ERR_BODY_CONSUMED', detail);
    }
    if (this.#isTapped()) this.#failure = this.#consumption();
    this.#state = 'reading';
    this.#continue();
    const onFailure = (error?: unknown): void => this.#onFailure(error);
    const onReadable = (): void => this.#onReadable();
    this.#readableListener = onReadable;
    this.#stream.on('readable', onReadable);
    this.#stream.once('end', () => this.#onEnd());
    this.#stream.once('error', onFailure);
    this.#stream.once('close', onFailure);
    // The stream may never be told that the client has left.
    if (this.#stream !== this.#req) this.#req.once('close', () => this.#onRequestClose());
  }

  /**
   * Tells if somebody has read a part of content without a known length and put nothing back. Waiting octets may be
   * what was put back, and count as all.
   */
  #isTapped(): boolean {
    const req = this.#req;
    const isUnread = this.#stream !== req || !req.readableDidRead || req.readableLength > 0;
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
    // Node's type is any; it is a string after setEncoding().
    const read: Uint8Array | string | null = this.#stream.read();
    const chunk =
      typeof read === 'string' ? Buffer.from(read, this.#stream.readableEncoding ?? 'utf8') : read;
    if (chunk !== null) this.#given += chunk.length;
    return chunk;
  }

  /** Over HTTP/2 a request that was cut off ends too, but as aborted. */
  #end(): null {
    if (this.#req.aborted) throw disconnection('request');
    if (this.#isShort()) throw this.#consumption();
    return null;
  }

  /**
   * Tells if somebody has read a part before. A parser may go on before the stream has told of its end (formidable 3
   * does, at the last boundary); the rest then ends without an error.
   */
  #isShort(): boolean {
    if (this.#stream !== this.#req || this.#stream.readableEncoding !== null) return false;
    return this.#given < Number(this.#req.headers['content-length'] ?? 0);
  }

  #consumption(): ApplicationError {
    return new ApplicationError('WSGI_ERR_BODY_CONSUMED', 'a part of it was read before the mount');
  }

  #onReadable(): void {
    if (this.#waiter === undefined) return;
    const chunk = this.#read();
    if (chunk !== null) this.#take()?.resolve(chunk);
  }

  #onEnd(): void {
    if (this.#req.aborted) this.#onFailure();
    else if (this.#isShort()) this.#take()?.reject(this.#consumption());
    else this.#take()?.resolve(null);
  }

  #onFailure(error?: unknown): void {
    if (this.#stream.readableEnded && !this.#req.aborted) return;
    const isOwn = this.#stream !== this.#req && error !== undefined && !this.#req.aborted;
    this.#failure ??= isOwn ? error : disconnection('request', error);
    this.#take()?.reject(this.#failure);
  }

  #onRequestClose(): void {
    if (this.#req.aborted) this.#onFailure();
  }

  #take(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined && this.#isOver) setImmediate(() => this.#drain());
    return waiter;
  }
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
      if (content instanceof Error) throw content;
      const chunk = rest;
      rest = null;
      return chunk;
    },
    release(): void {},
  };
}
