/**
 * Node's ServerResponse as a sink, that of HTTP/2's compatibility API too.
 *
 * The response belongs to the host: other code has patched it, listens to it, may have answered on it. So everything
 * goes through its public methods, looked up anew each time, and nothing is sent that `writeHead`, `write` and `end`
 * would not send.
 *
 * Rule: whoever waits for a response that will neither drain nor finish waits for ever; so every wait ends with
 * `close`, and nothing is waited for on a response that is closed already.
 */

import type { EventEmitter } from 'node:events';
import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import { disconnection } from '../../src/gateway/index.ts';
import {
  ApplicationError,
  type ConnectionDirectives,
  type DisconnectError,
  type HeaderList,
  type ResponseHead,
  type ResponseSink,
} from '../../src/index.ts';
import { canReset, writeRaw } from '../../src/node-internals/index.ts';
import { onceLost } from './lost-connections.ts';
import { toHeaderObject, writeHead, writeHttp2Head } from './response-head.ts';

/** What HTTP/2 has behind its compatibility API. */
interface Http2Response {
  readonly stream: EventEmitter & {
    readonly destroyed: boolean;
    readonly headersSent: boolean;
    readonly rstCode: number;
    additionalHeaders(headers: Record<string, number | string | string[]>): void;
    close(code: number): void;
  };
}

/** As node defines it; a response that has another one was patched or is another's class. */
const { end: nodeEnd } = ServerResponse.prototype;

/** RFC 9113 §7. */
const INTERNAL_ERROR = 2;

/** Milliseconds. */
const RESET_DELAY = 20;

/** Sends one response. */
export class NodeSink implements ResponseSink {
  protected readonly res: ServerResponse;
  /** Whether the head was refused by something of the host's, so that it is still the time for another. */
  protected hasHeadFailed = false;
  readonly #req: IncomingMessage;
  readonly #http2: Http2Response | undefined;
  /** Whether the response is the application's, and not one that the host has begun. */
  #hasBegun = false;
  /** Whether the client knows how long the content will be. */
  #isDelimited = false;
  #isDelivered = false;
  /**
   * The connection of a response whose head node has just written, and nobody else has done anything to: it is as
   * open as it was. To look at it again and again costs 4 µs a request under Express on Node 20, where each response has a
   * shape of its own.
   */
  #open: Socket | undefined;
  #fields: ConnectionDirectives['fields'];

  /**
   * @param req The request of the host
   * @param res Its response
   */
  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req;
    this.res = res;
    // The compatibility API has another class, which node's types do not relate to ServerResponse.
    this.#http2 = req.httpVersionMajor === 2 ? (res as unknown as Http2Response) : undefined;
  }

  writeHead(head: ResponseHead): void {
    const { res } = this;
    // A response of HTTP/1 that has ended has sent its head, or it is destroyed.
    const isEnded = this.#http2 !== undefined && res.writableEnded;
    if (res.headersSent || isEnded) throw new ApplicationError('WSGI_ERR_RESPONSE_TAKEN');
    this.#hasBegun = true;
    this.#isDelimited = head.contentLength !== undefined;
    if (this.#isGone()) return;
    try {
      if (this.#http2 !== undefined) writeHttp2Head(res, head);
      else if (writeHead(res, head, this.#fields) && res.socket instanceof Socket) this.#open = res.socket;
    } catch (error) {
      // What a host hangs on the head of a response may throw; nothing has been sent then.
      this.hasHeadFailed = !this.res.headersSent;
      throw error;
    }
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    const { res } = this;
    this.#open = undefined;
    if (this.#isGone()) return Promise.reject(disconnection('response'));
    if (res.writableEnded) throw new ApplicationError('WSGI_ERR_RESPONSE_TAKEN');
    if (chunk.length === 0) {
      res.flushHeaders();
      return undefined;
    }
    const hasRoom = res.write(chunk);
    // The compression middleware keeps octets back until it is told not to. Node's own `flush` of old is no property
    // of the response itself, and warns.
    if (Object.hasOwn(res, 'flush') && 'flush' in res && typeof res.flush === 'function') res.flush();
    return hasRoom ? undefined : this.#settles('drain');
  }

  end(lastChunk?: Uint8Array): Promise<void> | undefined {
    const { res } = this;
    const socket = res.end === nodeEnd ? this.#open : undefined;
    if (socket === undefined) {
      if (this.#isGone()) return Promise.reject(disconnection('response'));
      if (res.writableEnded) throw new ApplicationError('WSGI_ERR_RESPONSE_TAKEN');
    }
    if (lastChunk === undefined) res.end();
    else res.end(lastChunk);
    if (socket === undefined || socket.writableLength > 0 || !socket.writable) return this.delivered();
    this.#isDelivered = true;
    return undefined;
  }

  /** Waits for a response that has been completed, by whomever, to be taken by the client. */
  delivered(): Promise<void> | undefined {
    const { res } = this;
    if (this.#http2 === undefined && isTaken(res)) {
      this.#isDelivered = true;
      return undefined;
    }
    if (this.#isGone()) return Promise.reject(disconnection('response'));
    // A client may read nothing before it has sent everything. Node drains what nobody has touched, but only once the
    // response has been taken, for which such a client would be waited for in vain.
    const req = this.#req;
    const isUntouched = req.readableFlowing === null && !req.readableDidRead;
    if (this.#http2 === undefined && !req.complete && isUntouched) req.resume();
    return this.#settles('finish');
  }

  abort(_error: unknown): void {
    const { res } = this;
    // What the host has begun is the host's.
    const isHosts = !this.#hasBegun && res.headersSent;
    if (isHosts || res.writableEnded || this.#isGone()) return;
    if (this.#http2 !== undefined) {
      // Destroying the stream would look like a response that ended well.
      this.#http2.stream.close(INTERNAL_ERROR);
      return;
    }
    if (this.hasHeadFailed && this.#answerFailure()) return;
    if (!this.#hasBegun) {
      // A program has cut its connection, or the host could not be told of an error.
      res.destroy();
      return;
    }
    // Node holds the first piece back until the end of the tick, in the socket and from 26 on in the response; the
    // client gets what was sent, then no more.
    const { socket } = res;
    if (socket !== null && !(socket instanceof Socket)) {
      // What stands for a connection takes nothing before its listener has returned.
      setImmediate(() => res.destroy());
      return;
    }
    while (res.writableCorked > 0) res.uncork();
    while (socket?.writableCorked) socket.uncork();
    if (this.#isDelimited || res.chunkedEncoding || !canReset(socket)) res.destroy();
    // Where only the end of the connection ends the response, an orderly one would look like a whole response. A
    // reset that comes with the last octets hides them, or is hidden by them, so it comes a little later.
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
      this.#onceClosed(() => {
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
    // writeEarlyHints sends nothing without `link`, and there is no method for most others.
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const text = `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}\r\n${lines}\r\n`;
    // A response has its socket once it is its turn, so that this cannot get into the one before. The responses of our
    // own server have none; they take what node itself writes by a method of its own.
    if (!(res.socket instanceof Socket)) writeRaw(res, text);
    // Advice that the client does not take piles up nowhere: it can do without.
    else if (statusCode === 100 || !res.socket.writableNeedDrain) res.socket.write(text, 'latin1');
  }

  trailers(headers: HeaderList): void {
    if (!this.res.writableEnded && !this.#isGone()) this.res.addTrailers(toHeaderObject(headers));
  }

  direct(directives: ConnectionDirectives): void {
    const { res } = this;
    // RFC 9113 §8.2.2: HTTP/2 has no such thing as the connection of one request.
    if (directives.close === true && this.#http2 === undefined) res.shouldKeepAlive = false;
    if (directives.fields !== undefined) this.#fields = directives.fields;
    if (directives.sendDate !== undefined) res.sendDate = directives.sendDate;
    const { socket } = res;
    if (directives.timeout !== undefined && this.#http2 === undefined && socket !== null) {
      // An injected response has a stream for a socket.
      if ('setTimeout' in socket) socket.setTimeout(directives.timeout);
    }
  }

  #isGone(): boolean {
    if (this.#http2 !== undefined) return this.#http2.stream.destroyed;
    return this.res.destroyed || this.#turn()?.destroyed === true;
  }

  /**
   * The connection that a pipelined response waits for. Node forgets those that wait when it is lost: they are not
   * destroyed, never close, and never finish (Node 20).
   */
  #turn(): Socket | undefined {
    const isWaiting = this.#http2 === undefined && this.res.socket === null && !this.res.writableFinished;
    if (!isWaiting) return undefined;
    const { socket } = this.#req;
    return socket instanceof Socket ? socket : undefined;
  }

  /** Calls a listener when the response is closed or lost. @returns what takes the listener off again */
  #onceClosed(listener: () => void): () => void {
    const { res } = this;
    const turn = this.#turn();
    const forget = turn === undefined ? undefined : onceLost(turn, listener);
    const onClose = (): void => {
      forget?.();
      listener();
    };
    res.once('close', onClose);
    return () => {
      res.off('close', onClose);
      forget?.();
    };
  }

  /** Over HTTP/2 `finish` of the response comes with each `close`, also when the client has cancelled. */
  #hasFinished(): boolean {
    if (this.#http2 === undefined) return this.#isDelivered || this.res.writableFinished;
    return this.res.writableEnded && this.#http2.stream.rstCode === 0;
  }

  #settles(event: 'drain' | 'finish'): Promise<void> {
    // The response of HTTP/2 finishes when the request has ended too, its stream when the content has been sent.
    const emitter = event === 'finish' ? (this.#http2?.stream ?? this.res) : this.res;
    return new Promise((resolve, reject) => {
      const onClose = (): void => {
        emitter.off(event, onEvent);
        if (event === 'finish' && this.#hasFinished()) resolve();
        else reject(disconnection('response'));
      };
      const onEvent = (): void => {
        if (event === 'finish' && !this.#hasFinished()) return;
        stopWatching();
        resolve();
      };
      emitter.once(event, onEvent);
      const stopWatching = this.#onceClosed(onClose);
    });
  }
}

/** Whether the connection has taken all of a response of HTTP/1. */
export function isTaken(res: ServerResponse): boolean {
  // `destroyed` with `writableEnded`: the response of light-my-request, which has finished by now.
  return res.writableFinished || (res.writableEnded && (res.writableLength === 0 || res.destroyed));
}
