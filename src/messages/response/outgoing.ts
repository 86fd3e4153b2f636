/**
 * Catches, piece by piece, what node's ServerResponse would write to its socket.
 *
 * node's `write`, `end` and `writeHead` stay in place, because programs wrap and replace them. The four methods
 * behind them, through which everything passes, are replaced as properties of the object: Express sets its own
 * prototype, so a subclass would lose them.
 *
 * To send a chunk, node calls `_send` for the size, the CRLF, the content and the CRLF again. The frames are dropped,
 * but each chunk stays one piece, so that its bounds are node's on every version.
 */
import type { Socket } from 'node:net';
import {
  clearNeedDrain,
  hasEndCallbacks,
  isFinishCallback,
  NO_CALLBACK,
  type ResponseMessage,
  type WriteCallback,
} from '../../node-internals/index.ts';
import type { Environ } from '../../wsgi.ts';
import { type CapturedHead, captureHead, encodeHead } from './captured-head.ts';
import { sendInterim } from './interim.ts';

/** Listener for the output of a response. */
export interface OutgoingListener {
  readonly environ: Environ;
  /** The client or the gateway has gone; nothing more is taken. */
  readonly isClosed: boolean;
  /** Everything taken so far may go. */
  flush(): void;
  /** The response is complete. */
  ended(): void;
}

/** Pieces of a response that go together, and the callbacks that wait for them. */
export interface Batch {
  readonly pieces: Uint8Array[];
  readonly callbacks: PieceCallback[];
  /** How many callbacks have been called. */
  told: number;
  /** How much of the socket's buffer they fill. */
  length: number;
}

/** A callback that waits until the first `count` pieces of its batch may be used again. */
interface PieceCallback {
  readonly callback: WriteCallback;
  readonly count: number;
}

interface OwnedResponse extends ResponseMessage {
  [OUTGOING]: Outgoing;
}

const OUTGOING = Symbol('gatebridge.outgoing');
const EMPTY = new Uint8Array(0);

/** Octets that a socket's buffer takes at once, even if the client reads slowly. */
const SMALL = 16_384;

/** Octets that it takes at once if it is empty. */
const MEDIUM = 65_536;

/** Shared, never changed: an array that grows from nothing takes room for 17. */
const NO_PIECES: Uint8Array[] = [];
const NO_CALLBACKS: PieceCallback[] = [];

/** The part of a chunk that node sends next. */
type FramePart = 'size' | 'crlf' | 'content';

/** Output that the gateway has not been given yet. */
export class Outgoing {
  /** Set once the head is settled. */
  head: CapturedHead | undefined;
  /** `end()` was called. */
  isEnded = false;
  /** The program flushed its head, or more, before it returned. */
  isFlushed = false;
  /** A piece refers to memory of the program. */
  isBorrowed = false;
  /** Makes node emit 'finish'; undefined if node does so by itself. */
  finish: WriteCallback | undefined;
  /** The field lines of the trailer section. */
  trailer = '';
  /** A write returned false, and 'drain' has not been emitted since. */
  isDrainOwed = false;
  #isUtf8 = false;
  /** Nothing was given away yet. */
  #isWhole = true;
  #pieces: Uint8Array[] = NO_PIECES;
  #callbacks: PieceCallback[] = NO_CALLBACKS;
  /** The latest, which is not among the others, and the number of pieces that it waits for. */
  #lastCallback: WriteCallback | undefined;
  #lastCount = 0;
  #length = 0;
  /** How much of the socket's buffer the pieces here fill. */
  #filling = 0;
  #framePart: FramePart = 'size';
  #crlf: unknown;
  #content: Uint8Array[] | undefined;
  readonly #listener: OutgoingListener;

  constructor(response: ResponseMessage, listener: OutgoingListener) {
    this.#listener = listener;
    // Only this file knows the property under the symbol.
    const owned = response as OwnedResponse;
    owned._storeHeader = storeHeader;
    owned._send = send;
    owned._writeRaw = writeRaw;
    owned._finish = finish;
    owned[OUTGOING] = this;
  }

  get environ(): Environ {
    return this.#listener.environ;
  }

  get isClosed(): boolean {
    return this.#listener.isClosed;
  }

  /** There are no pieces and no callbacks. */
  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#callbacks.length === 0 && this.#lastCallback === undefined;
  }

  /** Gives the head in native strings, for startResponse. */
  takeHead(): CapturedHead {
    const { head } = this;
    if (head === undefined) throw new TypeError('Response has no head yet');
    encodeHead(head, this.#isUtf8);
    return head;
  }

  /** Gives away everything taken so far. */
  takeBatch(): Batch {
    if (this.#lastCallback !== undefined) this.#keepLastCallback(this.#lastCallback);
    const pieces = this.#pieces === NO_PIECES ? [] : this.#pieces;
    const batch: Batch = { pieces, callbacks: this.#callbacks, told: 0, length: this.#filling };
    this.#pieces = NO_PIECES;
    this.#callbacks = NO_CALLBACKS;
    this.#lastCallback = undefined;
    this.#length = 0;
    this.#filling = 0;
    this.#isWhole = false;
    this.isBorrowed = false;
    return batch;
  }

  /** Drops what was taken and fails its callbacks. */
  drop(error: Error): void {
    failCallbacks(this.takeBatch(), error);
  }

  /**
   * Takes a piece that node passes to `_send`.
   *
   * @returns by how much it fills the socket's buffer: as with node's socket, head and frames count, and of a string
   *   its characters
   */
  take(response: ResponseMessage, data: string | Uint8Array, encoding: BufferEncoding | undefined): number {
    let { length } = data;
    if (!response._headerSent) {
      response._headerSent = true;
      this.#isUtf8 = typeof data === 'string' && (encoding === undefined || encoding === 'utf8');
      length += this.head?.length ?? 0;
    }
    if (response.chunkedEncoding) {
      // The end of the body stands for the last chunk.
      if (this.#framePart === 'size' && data[0] === '0') length -= data.length;
      this.#takeFrame(data, encoding);
    } else if (data.length > 0) {
      if (typeof data !== 'string') this.isBorrowed = true;
      this.#addPiece(toOctets(data, encoding));
    }
    this.#length += length;
    this.#filling += length;
    return length;
  }

  addCallback(callback: WriteCallback): void {
    if (callback === NO_CALLBACK) return;
    if (this.#lastCallback !== undefined) this.#keepLastCallback(this.#lastCallback);
    this.#lastCallback = callback;
    this.#lastCount = this.#pieces.length;
  }

  #keepLastCallback(callback: WriteCallback): void {
    if (this.#callbacks === NO_CALLBACKS) this.#callbacks = [];
    this.#callbacks.push({ callback, count: this.#lastCount });
  }

  #addPiece(piece: Uint8Array): void {
    if (this.#pieces === NO_PIECES) this.#pieces = [piece];
    else this.#pieces.push(piece);
  }

  /** All of the response is here, and so little that it counts as sent. */
  get isSmall(): boolean {
    return this.#isWhole && this.#length <= SMALL;
  }

  /** Octets of content that are still here. */
  get contentLength(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  /**
   * Copies what refers to memory of the program, if it is little.
   *
   * @returns false if it is not
   */
  copyBorrowed(): boolean {
    if (!this.isBorrowed) return true;
    if (this.contentLength > SMALL) return false;
    this.#pieces = this.#pieces.map((piece) => NodeBuffer.from(piece));
    this.isBorrowed = false;
    return true;
  }

  /**
   * Empties the socket's buffer if all that fills it is still here. On node, what a kernel takes at once has gone
   * when the call returns, and a program may look (`writableLength`, `writableFinished`).
   */
  sendSoon(socket: Buffered | null): void {
    if (socket === null || socket.destroyed) return;
    if (this.#filling !== socket.writableLength || this.#filling > MEDIUM) return;
    setLength(socket, 0);
    this.#filling = 0;
  }

  /** Takes the callback for 'finish' from the others, before the socket's buffer is emptied. */
  takeFinish(response: ResponseMessage): void {
    // `end()` passes node's callback with its last piece, so it comes last. If everything has gone already there is
    // no last piece, and node emits 'finish' by itself. While something fills the buffer there always is one, and the
    // slow look at a bound function's name is saved.
    const { socket } = response;
    const hasPassed = this.#filling > 0 && !this.isClosed && socket !== null && !socket.destroyed;
    if (!hasPassed && !isFinishCallback(this.#lastCallback)) return;
    this.finish = this.#lastCallback;
    this.#lastCallback = undefined;
  }

  end(response: ResponseMessage): void {
    this.isEnded = true;
    if (response.chunkedEncoding) this.trailer = response._trailer;
    this.#listener.ended();
  }

  /**
   * Tells if 'finish' may come later than the end of sending: because of callbacks of `end()` (since Node 26),
   * because node emits it by itself, or never because of a socket's error.
   */
  mayFinishLate(response: ResponseMessage): boolean {
    return this.finish === undefined || response.socket?.errored != null || hasEndCallbacks(response);
  }

  /** Tells if no callback waits for the end of the response. */
  finishesQuietly(response: ResponseMessage): boolean {
    const isAwaited = this.#callbacks.length > 0 || this.#lastCallback !== undefined;
    return !isAwaited && !this.mayFinishLate(response);
  }

  flush(): void {
    this.#listener.flush();
  }

  #takeFrame(data: string | Uint8Array, encoding: BufferEncoding | undefined): void {
    if (this.#framePart === 'size') {
      // An empty write, a flushed head and the last chunk have nothing to frame.
      if (data.length > 0 && data[0] !== '0') this.#framePart = 'crlf';
    } else if (this.#framePart === 'crlf') {
      this.#crlf = data;
      this.#framePart = 'content';
    } else if (data !== this.#crlf) {
      if (typeof data !== 'string') this.isBorrowed = true;
      this.#content ??= [];
      this.#content.push(toOctets(data, encoding));
    } else {
      // The same object again: node's CRLF is a constant.
      const content = this.#content ?? [];
      this.#framePart = 'size';
      this.#content = undefined;
      this.#addPiece(content.length === 1 ? (content[0] ?? EMPTY) : Buffer.concat(content));
    }
  }
}

/** Avoids a getter of the global object for each piece. */
const NodeBuffer: typeof Buffer = Buffer;

function toOctets(data: string | Uint8Array, encoding: BufferEncoding | undefined): Uint8Array {
  return typeof data === 'string' ? NodeBuffer.from(data, encoding) : data;
}

// The replacements, for responses that were captured.

function storeHeader(this: OwnedResponse, statusLine: string, headers: unknown): void {
  this[OUTGOING].head = captureHead(this, statusLine, headers);
  this._header = statusLine;
  this._headerSent = false;
}

function send(
  this: OwnedResponse,
  data: string | Uint8Array,
  encoding?: BufferEncoding | WriteCallback | null,
  callback?: WriteCallback | null,
): boolean {
  const outgoing = this[OUTGOING];
  const { socket } = this;
  if (outgoing.isClosed || socket === null || socket.destroyed) {
    this._headerSent = true;
    return false;
  }
  const listener = typeof encoding === 'function' ? encoding : callback;
  const taken = outgoing.take(this, data, typeof encoding === 'string' ? encoding : undefined);
  if (taken > 0) setLength(socket, socket.writableLength + taken);
  if (typeof listener === 'function') outgoing.addCallback(listener);
  // node corks the socket for the rest of the tick before `write` sends. flushHeaders comes uncorked, and, with a
  // callback, the last piece of `end`, which `_finish` follows at once.
  else if (socket.writableCorked === 0) outgoing.flush();
  const hasRoom = socket.writableLength < socket.writableHighWaterMark;
  if (!hasRoom) outgoing.isDrainOwed = true;
  return hasRoom;
}

function writeRaw(
  this: OwnedResponse,
  data: string,
  encoding?: BufferEncoding | WriteCallback | null,
  callback?: WriteCallback | null,
): boolean {
  const listener = typeof encoding === 'function' ? encoding : callback;
  if (this.socket?.destroyed === true) return false;
  if (!this[OUTGOING].isClosed) sendInterim(this[OUTGOING].environ, data);
  if (typeof listener === 'function') process.nextTick(listener, null);
  return true;
}

function finish(this: OwnedResponse): void {
  const outgoing = this[OUTGOING];
  outgoing.takeFinish(this);
  outgoing.sendSoon(this.socket);
  const prototype: Partial<ResponseMessage> = Object.getPrototypeOf(this);
  prototype._finish?.call(this);
  outgoing.end(this);
}

/** The members of a socket that are read here. */
type Buffered = Pick<Socket, 'destroyed' | 'writableLength'>;

function setLength(socket: object, length: number): void {
  // A stand-in's length is a plain property, unlike a socket's.
  const standIn = socket as { writableLength: number };
  standIn.writableLength = length;
}

/** Calls the callbacks back that wait for the first `count` pieces of a batch. */
export function callBack(batch: Batch, count: number = batch.pieces.length): void {
  const { callbacks } = batch;
  for (
    let next = callbacks[batch.told];
    next !== undefined && next.count <= count;
    next = callbacks[batch.told]
  ) {
    batch.told += 1;
    next.callback(null);
  }
}

/** Fails the callbacks that have not been called, each in its own tick. */
export function failCallbacks(batch: Batch, error: Error): void {
  for (const { callback } of batch.callbacks.slice(batch.told)) process.nextTick(callback, error);
  batch.told = batch.callbacks.length;
}

/** Emits 'drain' if a write was told to wait for it. */
export function emitDrain(response: ResponseMessage): void {
  // Only called for responses that have the property.
  const outgoing = (response as OwnedResponse)[OUTGOING];
  if (!outgoing.isDrainOwed || !response.writableNeedDrain) return;
  outgoing.isDrainOwed = false;
  clearNeedDrain(response);
  response.emit('drain');
}
