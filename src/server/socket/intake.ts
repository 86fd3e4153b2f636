/**
 * The incoming half of a connection: passes octets from the receiver to the parser, and bounds what waits there.
 *
 * Rule: octets that wait are bounded whatever the application does and however fast it answers (RFC 9112 §9.3.2).
 */
import type { Socket } from 'node:net';
import { type HttpLimits, RequestParser } from '../../http/index.ts';
import type { Appetite } from '../phase.ts';
import { Receiver, type ReceiverOwner } from './receiver.ts';

/** The client is held back while more octets than this wait to be parsed. */
const INPUT_LIMIT = 65_536;

/** The connection of an intake. */
export interface IntakeOwner {
  readonly appetite: Appetite;
  /** Octets have come into the parser. */
  onInput(): void;
  /** Octets have come, and there is no memory for them. */
  refuse(error: unknown): void;
}

/** The incoming half of one connection. */
export class Intake implements ReceiverOwner {
  readonly parser: RequestParser;
  /** When octets came last, by performance.now(). Noted only where they are thrown away. */
  lastInput = 0;
  readonly #socket: Socket;
  readonly #owner: IntakeOwner;
  readonly #receiver: Receiver;

  constructor(socket: Socket, limits: HttpLimits, owner: IntakeOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.parser = new RequestParser(limits);
    this.#receiver = new Receiver(socket, this);
  }

  get hasRest(): boolean {
    return this.parser.bufferedLength > 0 || this.parser.hasPartialHead;
  }

  get expectedLength(): number {
    const { expectedLength } = this.parser;
    // First, because it is 0 for most packets.
    if (expectedLength === 0) return 0;
    const { appetite } = this.#owner;
    return appetite === 'now' || appetite === 'later' ? expectedLength : 0;
  }

  /** The socket passes octets on in its own asynchronous context, and not in that of the caller of `resume()`. */
  get isInOwnContext(): boolean {
    return this.#receiver.isDirect;
  }

  /** Keeps no more memory than an idle connection needs. */
  forget(): void {
    this.#receiver.forget();
    this.parser.keep();
  }

  /** A copy of the last packet. */
  get lastPacket(): Buffer {
    return this.#receiver.lastPacket;
  }

  receive(buffer: Buffer, length: number, isLent: boolean): void {
    const { appetite } = this.#owner;
    if (appetite === 'drain' || appetite === 'discard') this.lastInput = performance.now();
    if (appetite === 'discard' || appetite === 'none') return;
    try {
      if (this.#push(buffer, length, isLent)) this.#owner.onInput();
    } finally {
      // Even if a listener has thrown: the next packet of any connection overwrites lent octets.
      if (isLent) this.parser.keep();
    }
  }

  #push(buffer: Buffer, length: number, isLent: boolean): boolean {
    try {
      this.parser.push(buffer, length, isLent);
      return true;
    } catch (error) {
      this.#owner.refuse(error);
      return false;
    }
  }

  /** Reads on, or holds the client back, by TCP. */
  regulate(): void {
    if (this.parser.bufferedLength > INPUT_LIMIT) {
      if (this.#owner.appetite === 'later') this.#socket.pause();
    } else if (this.#socket.isPaused() && this.#owner.appetite !== 'none') this.#socket.resume();
  }

  /** Leaves the socket as a Readable that nobody has begun to read, and gives the octets that are left. */
  release(): Buffer {
    this.#receiver.release();
    return this.parser.takeRest();
  }
}
