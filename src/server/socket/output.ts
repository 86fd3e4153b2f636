/**
 * Writes to a socket, with as few writes as the order of events allows.
 *
 * A head and the content after it make one write. So do the responses to a batch of pipelined requests, which `hold`
 * keeps back until the batch is served: a write is the most expensive step of a small request.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { disconnection } from '../../errors.ts';
import { latin1Text, TEXT_LIMIT } from '../../node-internals/index.ts';
import { batch } from './text-batch.ts';

/** Up to this many octets, one copied buffer is cheaper than a list of buffers for the kernel. */
const GATHER_LIMIT = 16_384;

/** More octets than this are not held back. */
const HOLD_LIMIT = 65_536;

/**
 * Octets after which other connections get their turn. A kernel takes megabytes at once; until it is full, an
 * application that never waits would keep the event loop to itself.
 */
const OCTETS_A_TURN = 262_144;

const NOTHING = new Uint8Array(0);

/** The outgoing half of one connection. */
export class Output {
  readonly #socket: Socket;
  /** Strings are native strings: one octet for each code unit. */
  #parts: (string | Uint8Array)[] = [];
  /** The text that leaves last, after the parts and after this output's share of the batch. */
  #text = '';
  #length = 0;
  #isHeld = false;
  /** A response is held back, so the next one belongs to a batch. */
  #isBatch = false;
  #drained: { promise: Promise<void>; resolve(): void; reject(error: unknown): void } | undefined;

  readonly #goOn: () => void;
  /** Times that the kernel did not take memory of the application at once, and has not since. */
  #references = 0;
  /** Octets sent in this turn. */
  #sent = 0;
  #awaitsTurn = false;

  /** @param goOn Called when there is room again, or memory was taken, without a `drain` of the socket */
  constructor(socket: Socket, goOn: () => void) {
    this.#socket = socket;
    this.#goOn = goOn;
  }

  /** Adds a part, which leaves with the next flush. */
  add(part: string | Uint8Array): void {
    this.#length += part.length;
    if (typeof part === 'string') this.#text += part;
    else if (part.length <= TEXT_LIMIT) this.#addSmall(part);
    else {
      const text = this.#takeText();
      if (text !== '') this.#parts.push(text);
      this.#parts.push(part);
    }
  }

  #addSmall(content: Uint8Array): void {
    if (this.#isBatch && batch.add(this, this.#text, content)) this.#text = '';
    else this.#text += latin1Text(content);
  }

  #takeText(): string {
    const text = batch.take(this) + this.#text;
    this.#text = '';
    return text;
  }

  /** Keeps back what `flushUnlessHeld` would send, until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.flush();
  }

  /** Invites the content of a request (RFC 9110 §10.1.1). */
  sendContinue(): void {
    this.add('HTTP/1.1 100 Continue\r\n\r\n');
    this.flush();
  }

  flushUnlessHeld(): void {
    if (!this.#isHeld || this.#length > HOLD_LIMIT) this.flush();
    else this.#isBatch = true;
  }

  /** Writes all parts to the socket. */
  flush(): void {
    const length = this.#length;
    if (length === 0) return;
    const text = this.#takeText();
    const parts = this.#parts;
    this.#length = 0;
    this.#isBatch = false;
    this.#sent += length;
    const socket = this.#socket;
    const { isGone } = this;
    if (parts.length === 0) {
      if (!isGone) socket.write(text, 'latin1');
      return;
    }
    this.#parts = [];
    if (isGone) return;
    if (text !== '') parts.push(text);
    const [first] = parts;
    if (parts.length > 1 && length <= GATHER_LIMIT) {
      socket.write(gather(parts, length));
      return;
    }
    if (parts.length === 1 && first !== undefined) {
      writePart(socket, first);
    } else {
      socket.cork();
      for (const part of parts) writePart(socket, part);
      socket.uncork();
    }
    if (socket.writableLength > 0) this.#followReference();
  }

  /**
   * Waits for the memory that the last writes refer to, by a write of nothing behind them. They have no callbacks of
   * their own, for which node would pay also where the kernel takes all at once.
   */
  #followReference(): void {
    this.#references += 1;
    this.#socket.write(NOTHING, this.#onTaken);
  }

  readonly #onTaken = (): void => {
    this.#references -= 1;
    // node calls back without an error when the socket is destroyed; 'close' tells of that.
    if (this.#references > 0 || this.#drained === undefined || this.#socket.destroyed) return;
    if (!this.isFull && !this.#awaitsTurn) this.#goOn();
  };

  /** Gives a promise if the client must catch up or others have their turn. It rejects if the client leaves. */
  wait(): Promise<void> | undefined {
    if (this.#drained !== undefined) return this.#drained.promise;
    return this.#isTurnOver() || this.isFull ? this.#promiseDrain() : undefined;
  }

  /** Sends everything, and gives a promise as `wait` does, also if memory of the application is still referred to. */
  sent(): Promise<void> | undefined {
    this.flush();
    // Nothing waits for the kernel any more, and nobody would settle the promise.
    if (this.#socket.destroyed) return undefined;
    return this.wait() ?? (this.#isReferring ? this.#promiseDrain() : undefined);
  }

  /** True if the kernel has not taken what a write refers to. Its callback comes later in any case. */
  get #isReferring(): boolean {
    return this.#references > 0 && this.#socket.writableLength > 0;
  }

  /** True if the client has left, and the connection is about to learn it. */
  get isGone(): boolean {
    return this.#socket.destroyed || !this.#socket.writable;
  }

  /** True if octets wait. `writableNeedDrain` is true even if the kernel took all; obeying it would cost ticks. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain && this.#socket.writableLength > 0;
  }

  #promiseDrain(): Promise<void> {
    let resolve = (): void => {};
    let reject = (_error: unknown): void => {};
    const promise = new Promise<void>((onResolve, onReject) => {
      resolve = onResolve;
      reject = onReject;
    });
    // The caller may never await it.
    promise.catch(() => {});
    this.#drained = { promise, resolve, reject };
    return promise;
  }

  #isTurnOver(): boolean {
    if (this.#sent < OCTETS_A_TURN) return false;
    if (this.#awaitsTurn) return true;
    this.#awaitsTurn = true;
    setImmediate(() => {
      this.#awaitsTurn = false;
      this.#sent = 0;
      if (!this.isFull) this.#goOn();
    });
    return true;
  }

  /** The socket has caught up, or the next turn has begun. */
  onDrain(): void {
    if (this.#isReferring || this.#isTurnOver()) return;
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  /** The socket is closed. */
  onClose(): void {
    this.#drained?.reject(disconnection('response'));
    this.#drained = undefined;
  }
}

function writePart(socket: Socket, part: string | Uint8Array): void {
  if (typeof part === 'string') socket.write(part, 'latin1');
  else socket.write(part);
}

function gather(parts: readonly (string | Uint8Array)[], length: number): Buffer {
  const octets = Buffer.allocUnsafe(length);
  let offset = 0;
  for (const part of parts) {
    if (typeof part === 'string') octets.write(part, offset, 'latin1');
    else octets.set(part, offset);
    offset += part.length;
  }
  return octets;
}
