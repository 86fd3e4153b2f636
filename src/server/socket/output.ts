/**
 * What leaves a connection: parts gathered into as few writes as the order of events allows.
 *
 * A head and the content that follows it make one write, and so do the answers to a batch of pipelined requests,
 * which `hold` keeps back until the batch is served: a write costs more than a whole hello request.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { disconnection } from '../../errors.ts';
import { latin1Text } from '../../node-internals/index.ts';
import { batch } from './text-batch.ts';

/**
 * Octets up to which content joins the head in a native string: the head is one already, and node writes a string
 * without a buffer in between (of a hello request, 0.3 of 2.6 µs beside the socket; Node 20).
 */
const TEXT_LIMIT = 2048;

/** Up to here copying parts into one buffer is cheaper than handing them to the kernel as a list. */
const GATHER_LIMIT = 16_384;

/** More than this is not held back. */
const HOLD_LIMIT = 65_536;

/**
 * Octets after which other connections get their turn. A kernel takes megabytes at once, and as long as it does, an
 * application that never waits for anything else would keep the event loop to itself.
 */
const OCTETS_A_TURN = 262_144;

/** The outgoing half of one connection. */
export class Output {
  readonly #socket: Socket;
  /** Strings are native strings: as many octets as code units. */
  #parts: (string | Uint8Array)[] = [];
  /** What follows the parts, and what the batch has of ours. */
  #text = '';
  #length = 0;
  #isHeld = false;
  /** Whether a response is held back, so that what comes is the next one of a batch. */
  #isBatch = false;
  #drained: { promise: Promise<void>; resolve(): void; reject(error: unknown): void } | undefined;

  readonly #goOn: () => void;
  /** Octets that left in this turn. */
  #sent = 0;
  #awaitsTurn = false;

  /** @param goOn Called when there is room again without a `drain` of the socket */
  constructor(socket: Socket, goOn: () => void) {
    this.#socket = socket;
    this.#goOn = goOn;
  }

  /** Adds a part; it leaves with the next flush. */
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

  flushUnlessHeld(): void {
    if (!this.#isHeld || this.#length > HOLD_LIMIT) this.flush();
    else this.#isBatch = true;
  }

  /** Hands all parts to the socket. */
  flush(): void {
    const length = this.#length;
    if (length === 0) return;
    const text = this.#takeText();
    const parts = this.#parts;
    this.#length = 0;
    this.#isBatch = false;
    this.#sent += length;
    const socket = this.#socket;
    // The client has left: there is nobody to send to, and the connection is about to learn it.
    const isGone = socket.destroyed || !socket.writable;
    if (parts.length === 0) {
      if (!isGone) socket.write(text, 'latin1');
      return;
    }
    this.#parts = [];
    if (isGone) return;
    if (text !== '') parts.push(text);
    const [first] = parts;
    if (parts.length === 1 && first !== undefined) {
      writePart(socket, first);
    } else if (length <= GATHER_LIMIT) {
      socket.write(gather(parts, length));
    } else {
      socket.cork();
      for (const part of parts) writePart(socket, part);
      socket.uncork();
    }
  }

  /**
   * Gives a promise if the client has to catch up first, or other clients have their turn; it rejects if the client
   * leaves instead.
   */
  wait(): Promise<void> | undefined {
    if (this.#drained !== undefined) return this.#drained.promise;
    return this.#isTurnOver() || this.isFull ? this.#promiseDrain() : undefined;
  }

  /** A socket wants to be waited for also if the kernel has taken at once whatever was written: a tick for each piece. */
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
    // Whoever asked may have lost interest.
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

  /** The socket has caught up, or the turn has come. */
  onDrain(): void {
    if (this.#isTurnOver()) return;
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  /** The socket is gone. */
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
