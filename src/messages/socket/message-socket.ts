/**
 * What stands in the place of the socket for a request and a response that come through a gateway.
 *
 * The response does not go through it. It is an EventEmitter with the state that node's messages look at (writable, corked,
 * `_httpMessage`) and the facts that programs ask a socket for (addresses, `encrypted`), and it turns what they do to
 * a socket (destroy, setTimeout, cork, resume) into calls of its owner, the exchange that is under way.
 *
 * Where the host shows its connection (`gateway.socket`), one stand-in serves all requests of that connection in
 * turn, as a socket does: properties set on it stay, and its 'close' is the connection's.
 *
 * Rule 1: names are node's, because node calls them; underscored ones too.
 * Rule 2: this file decides nothing about a request or a response; its owner does.
 */
import { OutgoingMessage, type ServerResponse } from 'node:http';
import { checkDuration, isServedByNode, nodeError } from '../../node-internals/index.ts';
import type { Environ } from '../../wsgi.ts';
import type { HostSocket } from './host-socket.ts';
import { SocketFacts } from './socket-facts.ts';

/** The exchange that a socket stands in for at the moment. */
export interface SocketOwner {
  /** Whether it needs the socket no more but to be over: the next exchange of the connection can have it. */
  readonly isLeaving: boolean;
  /** The request wants content. */
  resume(): void;
  /** The socket was uncorked: what was held back may go. */
  flush(): void;
  /** The program cuts the connection. */
  cut(error: Error | undefined): void;
  /** Does something to the connection past the response, once what was sent before has gone. */
  overtaken(action: () => void): void;
  /** Tells request and response of a timeout. @returns whether somebody listened */
  tellTimeout(): boolean;
  /** The program wants its own timeout: the host's has to stand back. */
  suspendHostTimeout(): void;
  /** The socket is closed: the messages have to learn of it, before others who listen to the socket do. */
  closed(): void;
}

/** 16 KiB, or 64 KiB from Node 22 on: what node's sockets have. */
const HIGH_WATER_MARK: number = new OutgoingMessage().writableHighWaterMark;

/** Stands in for the socket of one exchange after the other. */
export class MessageSocket extends SocketFacts {
  /** The response that is being sent; node compares it with `this` before it sends. */
  _httpMessage: ServerResponse | null = null;
  /** Asked by node before it resumes reading. */
  _paused = false;
  /** Asked by node before it emits 'finish'; set by its client and by TLS alone. */
  readonly _hadError = false;
  readable = true;
  writable = true;
  closed = false;
  errored: Error | null = null;
  timeout: number | undefined;
  /** Octets of the response that the gateway has not taken yet. */
  writableLength = 0;
  readonly readableHighWaterMark: number = HIGH_WATER_MARK;
  readonly writableHighWaterMark: number = HIGH_WATER_MARK;
  #owner: SocketOwner | undefined;
  #corks = 0;
  #isEnding = false;
  #timer: NodeJS.Timeout | undefined;
  #hostError: Error | undefined;
  #hasEmittedClose = false;
  #isCutByProgram = false;
  /** Whether the messages know of the timeout that the host is about to tell of. */
  #hasToldTimeout = false;

  /** Gives the socket to an exchange. */
  attach(owner: SocketOwner, response: ServerResponse, environ: Environ): void {
    if (this.#owner !== undefined) this.#stopTimer();
    this.#owner = owner;
    this.describe(environ);
    this._httpMessage = response;
    this.#corks = 0;
    this.#isEnding = false;
    this.writableLength = 0;
    this.writable = !this.destroyed;
  }

  /** Takes a response off the socket, unless the next one has it; the request may still be read. */
  detachResponse(response: ServerResponse): void {
    if (this._httpMessage !== response) return;
    this._httpMessage = null;
    this.writableLength = 0;
    this.#stopTimer();
    this.timeout = undefined;
  }

  /** The connection ends with the response that was sent. */
  endWriting(): void {
    this.writable = false;
  }

  /** Frees the socket for the next exchange. */
  detach(owner: SocketOwner): void {
    if (this.#owner === owner) this.#owner = undefined;
  }

  /** Whether an exchange is using the socket. */
  get isBusy(): boolean {
    return this.destroyed || (this.#owner !== undefined && !this.#owner.isLeaving);
  }

  /** Postpones a timeout, because something happened. */
  refresh(): void {
    this.#timer?.refresh();
  }

  // Output: octets go from the response to the exchange; here is only what holds them back.

  cork(): void {
    this.#corks += 1;
  }

  uncork(): void {
    if (this.#corks === 0) return;
    this.#corks -= 1;
    if (this.#corks > 0) return;
    // In the middle of `end()`; `_finish` follows at once, and everything can go together.
    if (this.#isEnding) this.#isEnding = false;
    else this.#owner?.flush();
  }

  get writableCorked(): number {
    return this.#corks;
  }

  get writableNeedDrain(): boolean {
    return this.writableLength >= this.writableHighWaterMark;
  }

  /** What net.Socket called it. */
  get bufferSize(): number {
    return this.writableLength;
  }

  get writableEnded(): boolean {
    return !this.writable;
  }

  get writableFinished(): boolean {
    return !this.writable && this.writableLength === 0;
  }

  /** For node, which reads and sets `corked` there, and in `stream.finished` asks for what a stream may lack. */
  get _writableState(): this {
    return this;
  }

  get corked(): number {
    return this.#corks;
  }

  /** Set by nobody but node's `end()`, right before it uncorks for good. */
  set corked(count: number) {
    this.#corks = count;
    this.#isEnding = true;
  }

  /** What a program that has hijacked its response writes past it, where there is a connection to write to. */
  write(data: unknown, encoding?: unknown, callback?: unknown): boolean {
    const { hostSocket } = this;
    if (hostSocket?.write !== undefined) {
      let hasRoom = true;
      this.#pass(() => {
        hasRoom = hostSocket.write?.(data, encoding, callback) !== false;
      });
      return hasRoom;
    }
    const listener = typeof encoding === 'function' ? encoding : callback;
    if (typeof listener === 'function') {
      process.nextTick(
        listener,
        nodeError('ERR_METHOD_NOT_IMPLEMENTED', 'Socket of a gateway takes no data'),
      );
    }
    return false;
  }

  end(data?: unknown, encoding?: unknown, callback?: unknown): this {
    const { hostSocket } = this;
    if (hostSocket?.end === undefined) return this.destroy();
    this.writable = false;
    this.#pass(() => hostSocket.end?.(data, encoding, callback));
    return this;
  }

  destroySoon(): void {
    const { hostSocket } = this;
    if (hostSocket?.destroySoon === undefined) {
      this.destroy();
      return;
    }
    this.writable = false;
    this.#pass(() => hostSocket.destroySoon?.());
  }

  #pass(action: () => void): void {
    if (this.#owner === undefined) action();
    else this.#owner.overtaken(action);
  }

  // Input: the request asks its socket to go on when it wants more.

  resume(): this {
    // What was read before has been taken.
    this.refresh();
    this.#owner?.resume();
    return this;
  }

  pause(): this {
    return this;
  }

  isPaused(): boolean {
    return false;
  }

  get readableEnded(): boolean {
    return !this.readable;
  }

  get readableAborted(): boolean {
    return this.destroyed;
  }

  setEncoding(): never {
    throw nodeError(
      'ERR_HTTP_SOCKET_ENCODING',
      'Changing the socket encoding is not allowed per RFC7230 Section 3.',
    );
  }

  // The end.

  destroy(given?: Error | null): this {
    if (this.destroyed) return this;
    const owner = this.#owner;
    const error = given ?? undefined;
    this.#end(error);
    if (owner === undefined) this.destroyHostSocket();
    else owner.cut(error);
    this.#isCutByProgram = true;
    // A socket takes until the event loop comes round to close; its error comes at once.
    if (error !== undefined) process.nextTick(emitError, this, error);
    // It is told by the connection below, and where there is none at the same time.
    setImmediate(() => setImmediate(emitClose, this));
    return this;
  }

  /** Cuts the connection with a RST instead of a FIN, where the host's can. */
  resetAndDestroy(): this {
    if (this.destroyed) return this;
    this.hostSocket?.resetAndDestroy?.();
    return this.destroy();
  }

  /** The connection was lost: 'error' and 'close' follow in the next tick. */
  lose(error: Error | undefined): void {
    if (this.destroyed) return;
    const cause = error ?? this.#hostError;
    this.#end(cause);
    if (cause !== undefined) process.nextTick(emitError, this, cause);
    process.nextTick(emitClose, this);
  }

  #end(error: Error | undefined): void {
    this.destroyed = true;
    // Long before 'close', as with a socket: `stream.finished` does not wait for the event then.
    this.closed = true;
    this.readable = false;
    this.writable = false;
    this.#stopTimer();
    if (this.writableLength > 0) process.nextTick(emptyBuffer, this);
    if (error !== undefined) this.errored = error;
  }

  /** In ticks of their own: what listeners throw is thrown at nobody else. */
  emitError(error: Error): void {
    // node's server is the first to hear of the error of a socket, and tells of it. Where it is node's own it does.
    const { hostSocket } = this;
    if (this.#isCutByProgram && !isServedByNode(hostSocket))
      hostSocket?.server?.emit?.('clientError', error, this);
    // It always listens, so that an error of a socket is never an uncaught one.
    if (this.listenerCount('error') > 0) this.emit('error', error);
  }

  emitClose(): void {
    if (this.#hasEmittedClose) return;
    this.#hasEmittedClose = true;
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.closed();
    this.emit('close', this.errored !== null);
  }

  /** Whether the connection below can be cut. */
  get hasHostSocket(): boolean {
    return this.hostSocket?.destroy !== undefined;
  }

  /** What has gone does not fill the socket any more. */
  credit(batch: { length: number }): void {
    this.writableLength = Math.max(0, this.writableLength - batch.length);
    batch.length = 0;
  }

  /** Makes what calls back if so many octets have gone below since. */
  whenGone(length: number, callback: () => void): () => void {
    const target = this.bytesWritten + length;
    return () => {
      if (this.isHostSocketEmpty && this.bytesWritten >= target) callback();
    };
  }

  /** Whether nothing waits in the connection below. */
  get isHostSocketEmpty(): boolean {
    return this.hostSocket?.writableLength === 0;
  }

  /** Cuts the connection below. */
  destroyHostSocket(): void {
    this.hostSocket?.destroy?.();
  }

  /** Follows what becomes of the connection below. */
  follow(hostSocket: HostSocket): void {
    hostSocket.on?.('error', (error) => {
      this.#hostError = error;
    });
    hostSocket.on?.('close', () => (this.destroyed ? this.emitClose() : this.lose(undefined)));
    hostSocket.on?.('end', () => this.emit('end'));
    // The host's own timeout; whether it ends the connection is the host's affair.
    hostSocket.on?.('timeout', () => {
      if (this._httpMessage === null) return;
      if (!this.#hasToldTimeout) this.tellTimeout();
      this.#hasToldTimeout = false;
      this.emit('timeout');
    });
  }

  /**
   * Tells request and response of a timeout of the host's, before the host decides what becomes of the connection.
   * Between requests node's would wait for the next one (keepAliveTimeout), which is no affair of a program.
   *
   * @returns whether somebody listened
   */
  tellTimeout(): boolean {
    if (this._httpMessage === null) return false;
    this.#hasToldTimeout = true;
    return this.#owner?.tellTimeout() === true;
  }

  // Timeouts.

  /** net.Socket's: `milliseconds` without traffic, 0 for never. */
  setTimeout(milliseconds: number, callback?: () => void): this {
    if (this.destroyed) return this;
    this.timeout = milliseconds;
    checkDuration(milliseconds);
    this.#stopTimer();
    if (milliseconds === 0) {
      if (callback !== undefined) this.removeListener('timeout', callback);
    } else {
      this.#timer = setTimeout(() => this.#onTimeout(), milliseconds).unref();
      if (callback !== undefined) this.once('timeout', callback);
    }
    this.#owner?.suspendHostTimeout();
    return this;
  }

  /** node's rule: a timeout that neither request nor response nor server hears of destroys the socket. */
  #onTimeout(): void {
    const isHeard = this.#owner?.tellTimeout() === true;
    const isHeardByServer = this.hostSocket?.server?.emit?.('timeout', this) === true;
    if (!isHeard && !isHeardByServer) this.destroy();
    this.emit('timeout');
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** What a destroyed socket still held is dropped. */
function emptyBuffer(socket: MessageSocket): void {
  socket.writableLength = 0;
}

function emitError(socket: MessageSocket, error: Error): void {
  socket.emitError(error);
}

function emitClose(socket: MessageSocket): void {
  socket.emitClose();
}
