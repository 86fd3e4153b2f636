/**
 * Reads octets from a socket and gives them to its connection as they arrive.
 *
 * All sockets share one buffer where Node allows it (src/node-internals/user-buffer.ts); elsewhere octets come as 'data'.
 *
 * Rule 1: octets that are lent are overwritten by the next packet of any connection: copy them before you return.
 * Rule 2: pausing, resuming and the end of a socket are the same either way.
 */
import type { Socket } from 'node:net';
import { leaveUnread, readInto } from '../../node-internals/index.ts';

/** As much as libuv reads at once. */
const BUFFER_SIZE = 65_536;

/** Packets from which a buffer of their own costs less than copies of what is in them. */
const LARGE_PACKET = 16_384;

const NO_OCTETS = Buffer.alloc(0);

/** Takes what comes in. */
export interface ReceiverOwner {
  /** Whether what came last is part of something that is not whole yet. */
  readonly hasRest: boolean;
  /** Whether views of what comes next are going to be kept. */
  readonly keepsViews: boolean;
  /**
   * Octets have come.
   *
   * @param buffer Begins with them
   * @param length How many they are
   * @param isLent Whether they are overwritten after the call
   */
  receive(buffer: Buffer, length: number, isLent: boolean): void;
}

/** One is enough: libuv reads into it and hands it over before it reads again, from whichever socket. */
const shared: Buffer = Buffer.allocUnsafeSlow(BUFFER_SIZE);

/** The incoming half of one connection. */
export class Receiver {
  readonly #socket: Socket;
  readonly #owner: ReceiverOwner;
  readonly #isLending: boolean;
  #isReleased = false;
  /** The buffer that the next packet goes to. */
  #buffer: Buffer;
  /** Begins with the last packet. */
  #packet: Buffer = NO_OCTETS;
  #length = 0;

  constructor(socket: Socket, host: ReceiverOwner) {
    this.#socket = socket;
    this.#owner = host;
    this.#buffer = shared;
    this.#isLending = readInto(socket, shared, {
      onPacket: this.#onPacket,
      nextBuffer: this.#nextBuffer,
    });
    if (!this.#isLending) socket.on('data', this.#onData);
  }

  /** Leaves the socket to others, as a Readable that nobody has begun to read. */
  release(): void {
    this.#isReleased = true;
    if (!this.#isLending) this.#socket.off('data', this.#onData);
    leaveUnread(this.#socket, this.#isLending);
  }

  /** The octets that came last, for those who want to see what was wrong with them. */
  get lastPacket(): Buffer {
    return Buffer.from(this.#packet.subarray(0, this.#length));
  }

  readonly #onData = (octets: Buffer): void => {
    this.#packet = octets;
    this.#length = octets.length;
    this.#owner.receive(octets, octets.length, false);
  };

  /** Gives false if nothing more is to be read for now. */
  readonly #onPacket = (length: number, buffer: Buffer): boolean => {
    if (this.#isReleased) return this.#socket.push(Buffer.from(buffer.subarray(0, length)));
    const isLent = buffer === shared;
    this.#packet = buffer;
    this.#length = length;
    this.#owner.receive(buffer, length, isLent);
    // Whatever happens next happens to what came now, or needs more to come.
    if (isLent) this.#packet = this.#owner.hasRest ? this.lastPacket : NO_OCTETS;
    return true;
  };

  /** Much content is read into buffers of its own, which are given away in views. */
  readonly #nextBuffer = (): Buffer | undefined => {
    const isUpload = this.#length >= LARGE_PACKET && this.#owner.keepsViews;
    const buffer = isUpload ? Buffer.allocUnsafeSlow(BUFFER_SIZE) : shared;
    if (buffer === this.#buffer) return undefined;
    this.#buffer = buffer;
    return buffer;
  };
}
