/**
 * Stands in for the socket of a request and a response that come through a gateway.
 *
 * The response does not go through it. It is an EventEmitter with the state that node's messages read (writable,
 * corked, `_httpMessage`) and the facts that programs ask for (addresses, `encrypted`). What programs do to it
 * (destroy, setTimeout, cork, resume) becomes calls of its owner, the exchange under way.
 *
 * If the host shows its connection (`gateway.socket`), one stand-in serves all its requests in turn, as a socket
 * does: properties set on it stay, and its 'close' is the connection's.
 *
 * Rule 1: names are node's, because node calls them; underscored ones too.
 * Rule 2: this file decides nothing about a request or a response; its owner does.
 */
import type { ServerResponse } from 'node:http';
import { checkDuration, isServedByNode, nodeError } from '../../node-internals/index.ts';
import type { Environ } from '../../wsgi.ts';
import type { HostSocket } from './host-socket.ts';
import { SocketState } from './socket-state.ts';

/** The exchange that a socket stands in for at the moment. */
export interface SocketOwner {
  /** It only has to end: the next exchange of the connection can have the socket. */
  readonly isLeaving: boolean;
  /** The request wants content. */
  resume(): void;
  /** The socket was uncorked: output that was held back may go. */
  flush(): void;
  /** The program cuts the connection. */
  cut(error: Error | undefined): void;
  /** Acts on the connection past the response, once everything sent before has gone. */
  runAfterSent(action: () => void): void;
  /** The program wants its own timeout, so the host's must stand back. */
  suspendHostTimeout(): void;
  /** The socket is closed. The messages must hear of it before other listeners of the socket. */
  closed(): void;
}

/** node's answer to an error of a socket. */
const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';

/** Stands in for the socket of one exchange after the other. */
export class MessageSocket extends SocketState {
  /** The response that is being sent; node compares it with `this` before it sends. */
  _httpMessage: ServerResponse | null = null;
  /** Read by node before it resumes reading. */
  _paused = false;
  /** Read by node before it emits 'finish'; only its client and TLS set it. */
  readonly _hadError = false;
  timeout: number | undefined;
  #owner: SocketOwner | undefined;
  #corks = 0;
  #isEnding = false;
  #timer: NodeJS.Timeout | undefined;
  #hostError: Error | undefined;
  /** The server has heard of an error of this connection. */
  #isReported = false;
  /** The listeners have heard of the error for which the connection ends. */
  #isTold = false;
  /** The messages know of the timeout that the host is about to emit. */
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
    this.reopen();
  }

  /** Takes a response off the socket, unless the next one has it; the request may still be read. */
  detachResponse(response: ServerResponse): void {
    if (this._httpMessage !== response) return;
    this._httpMessage = null;
    this.writableLength = 0;
    this.#stopTimer();
    this.timeout = undefined;
  }

  /** Frees the socket for the next exchange. */
  detach(owner: SocketOwner): void {
    if (this.#owner === owner) this.#owner = undefined;
  }

  /** No other exchange can have the socket now. */
  get isBusy(): boolean {
    return this.destroyed || (this.#owner !== undefined && !this.#owner.isLeaving);
  }

  /** Restarts the timeout, because something happened. */
  refresh(): void {
    this.#timer?.refresh();
  }

  // Output. Octets go from the response to the exchange; here they are only held back.

  cork(): void {
    this.#corks += 1;
  }

  uncork(): void {
    if (this.#corks === 0) return;
    this.#corks -= 1;
    if (this.#corks > 0) return;
    // In the middle of `end()`: `_finish` follows at once, and everything can go together.
    if (this.#isEnding) this.#isEnding = false;
    else this.#owner?.flush();
  }

  get writableCorked(): number {
    return this.#corks;
  }

  /** node reads and sets `corked` here, and `stream.finished` looks here for members that a stream may lack. */
  get _writableState(): this {
    return this;
  }

  get corked(): number {
    return this.#corks;
  }

  /** Set only by node's `end()`, right before it uncorks for good. */
  set corked(count: number) {
    this.#corks = count;
    this.#isEnding = true;
  }

  /** Writes past a response that the program has hijacked, if the host shows a connection. */
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
    this.endWriting();
    this.#pass(() => hostSocket.end?.(data, encoding, callback));
    return this;
  }

  destroySoon(): void {
    const { hostSocket } = this;
    if (hostSocket?.destroySoon === undefined) {
      this.destroy();
      return;
    }
    this.endWriting();
    this.#pass(() => hostSocket.destroySoon?.());
  }

  #pass(action: () => void): void {
    if (this.#owner === undefined) action();
    else this.#owner.runAfterSent(action);
  }

  // Input. The request asks its socket to resume when it wants more.

  resume(): this {
    // The program has taken what was read before.
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
    // A socket's error comes at once, its 'close' when the event loop comes round.
    if (error !== undefined) process.nextTick(emitError, this, error, true);
    // The connection below tells of it too; without one this comes at the same time.
    setImmediate(() => setImmediate(emitClose, this));
    return this;
  }

  /** Cuts the connection with a RST instead of a FIN, if the host's socket can. */
  resetAndDestroy(): this {
    if (this.destroyed) return this;
    this.hostSocket?.resetAndDestroy?.();
    return this.destroy();
  }

  /** The server hears of one error of a connection, as on node. */
  noteReport(): void {
    this.#isReported = true;
  }

  /** The server ends the connection for a fault of the client: 'error' follows in the next tick. */
  tellError(error: Error): void {
    if (this.destroyed || this.#isTold) return;
    this.#isTold = true;
    this.#hostError = error;
    process.nextTick(emitError, this, error, false);
  }

  /** The connection was lost: 'error' and 'close' follow in the next tick. */
  lose(error: Error | undefined): void {
    if (this.destroyed) return;
    const cause = error ?? this.#hostError;
    this.#end(cause);
    if (cause !== undefined && !this.#isTold) process.nextTick(emitError, this, cause, false);
    process.nextTick(emitClose, this);
  }

  #end(error: Error | undefined): void {
    this.setDestroyed(error);
    this.#stopTimer();
  }

  /**
   * Runs in its own tick: what listeners throw is thrown at nobody else.
   *
   * @param isCut The program has cut the connection
   */
  emitError(error: Error, isCut: boolean): void {
    // The server hears of a socket's error first, as on node. node's own server has heard of it already.
    const { hostSocket } = this;
    if (isCut && !this.#isReported && !isServedByNode(hostSocket))
      hostSocket?.server?.emit?.('clientError', error, this);
    // node's server always listens, so that an error of a socket is never an uncaught one.
    if (this.listenerCount('error') > 0) super.emit('error', error);
  }

  /** An error that a program emits is one of the connection, as on node. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event !== 'error' || this.destroyed) return super.emit(event, ...values);
    const { hostSocket } = this;
    // The server hears of a socket's error first.
    if (hostSocket?.server?.emit?.('clientError', values[0], this) !== true) {
      if (this._httpMessage?.headersSent !== true) hostSocket?.write?.(BAD_REQUEST);
      // An emitter accepts any value as an error; so does node's server.
      this.destroy(values[0] as Error);
    }
    // The server always listens, so that it is never an uncaught error.
    return this.listenerCount('error') === 0 || super.emit(event, ...values);
  }

  emitClose(): void {
    if (!this.setClosed()) return;
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.closed();
    this.emit('close', this.errored !== null);
  }

  /** The connection below can be cut. */
  get hasHostSocket(): boolean {
    return this.hostSocket?.destroy !== undefined;
  }

  /** Frees the room of what has gone. */
  credit(batch: { length: number }): void {
    this.writableLength = Math.max(0, this.writableLength - batch.length);
    batch.length = 0;
  }

  /** Makes a function that calls back if, by the time it runs, so many more octets have gone below. */
  whenGone(length: number, callback: () => void): () => void {
    const target = this.bytesWritten + length;
    return () => {
      if (this.isHostSocketEmpty && this.bytesWritten >= target) callback();
    };
  }

  /** Nothing waits in the connection below. */
  get isHostSocketEmpty(): boolean {
    return this.hostSocket?.writableLength === 0;
  }

  destroyHostSocket(): void {
    this.hostSocket?.destroy?.();
  }

  /** Follows the events of the connection below. */
  follow(hostSocket: HostSocket): void {
    hostSocket.on?.('error', (error) => {
      this.#hostError = error;
    });
    hostSocket.on?.('close', () => (this.destroyed ? this.emitClose() : this.lose(undefined)));
    hostSocket.on?.('end', () => this.emit('end'));
    // The host's own timeout; the host decides if it ends the connection.
    hostSocket.on?.('timeout', () => {
      if (this._httpMessage === null) return;
      if (!this.#hasToldTimeout) this.tellTimeout();
      this.#hasToldTimeout = false;
      this.emit('timeout');
    });
  }

  /**
   * Tells request and response of the host's timeout, before the host decides about the connection. Between requests
   * it tells nobody: how long a connection waits for the next one is no affair of a program.
   *
   * @returns true if somebody listened
   */
  tellTimeout(): boolean {
    if (this._httpMessage === null) return false;
    this.#hasToldTimeout = true;
    return this.#tellMessages();
  }

  /** Tells of a timeout, as node does: not a complete request, and not a response that is over. */
  #tellMessages(): boolean {
    const response = this._httpMessage;
    if (response === null || this.#owner === undefined) return false;
    const isHeardByRequest = !response.req.complete && response.req.emit('timeout', this);
    const isHeardByResponse = response.socket !== null && response.emit('timeout', this);
    return isHeardByRequest || isHeardByResponse;
  }

  // Timeouts.

  /** As net.Socket's: `milliseconds` without traffic, 0 for never. */
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

  /** node's rule: destroys the socket if neither request nor response nor server listens. */
  #onTimeout(): void {
    const isHeard = this.#tellMessages();
    const isHeardByServer = this.hostSocket?.server?.emit?.('timeout', this) === true;
    if (!isHeard && !isHeardByServer) this.destroy();
    this.emit('timeout');
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function emitError(socket: MessageSocket, error: Error, isCut: boolean): void {
  socket.emitError(error, isCut);
}

function emitClose(socket: MessageSocket): void {
  socket.emitClose();
}
