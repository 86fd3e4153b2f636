/**
 * Reads octets from a socket and passes them to its connection.
 *
 * All sockets share one buffer where Node allows it (src/node-internals/user-buffer.ts), and TLS sockets another one;
 * elsewhere octets come as 'data'.
 *
 * Rule 1: the next packet of any connection overwrites lent octets: copy them before you return.
 * Rule 2: pausing, resuming and the end of a socket are the same either way.
 */
import type { Socket } from 'node:net';
import { isTlsSocket, leaveUnread, readInto } from '../../node-internals/index.ts';

/** As much as libuv reads at once. */
const BUFFER_SIZE = 65_536;

/**
 * Packets of this size begin a buffer of their connection's own, whose views are given away: that costs less than
 * copies.
 */
const LARGE_PACKET: number = BUFFER_SIZE / 4;

/**
 * The rest of a buffer that is read into. So a view of content keeps at most twice its size in memory, and packets do
 * not become much smaller.
 */
const ENOUGH_ROOM: number = BUFFER_SIZE / 2;

const NO_OCTETS = Buffer.alloc(0);

/** Takes the octets. */
export interface ReceiverOwner {
  /** The last octets are part of something incomplete. */
  readonly hasRest: boolean;
  /** Octets of content that are certain to come; applications may keep views of them. */
  readonly expectedLength: number;
  /**
   * Takes octets.
   *
   * @param buffer Begins with the octets
   * @param length Their number
   * @param isLent They are overwritten after the call
   */
  receive(buffer: Buffer, length: number, isLent: boolean): void;
}

/** One is enough: libuv fills it and passes it on before it reads from any socket again. */
const shared: Buffer = Buffer.allocUnsafeSlow(BUFFER_SIZE);

/**
 * All TLS sockets decrypt into this buffer, at most a record at once. Each record is copied as it comes: a write of nothing
 * makes a TLS socket decrypt the next one, within any call of an application. Made for the first TLS socket.
 */
let decrypted: Buffer | undefined;
const RECORD_SIZE = 16_384;

function decryptionBuffer(): Buffer {
  decrypted ??= Buffer.allocUnsafeSlow(RECORD_SIZE);
  return decrypted;
}

/** The incoming half of one connection. */
export class Receiver {
  readonly #socket: Socket;
  readonly #owner: ReceiverOwner;
  /** Octets come from the operating system, one packet a call, and not as 'data'. */
  readonly isDirect: boolean;
  #isReleased = false;
  /** The buffer for the next packet. */
  #buffer: Buffer;
  /** Begins with the last packet. */
  #packet: Buffer = NO_OCTETS;
  #length = 0;

  constructor(socket: Socket, owner: ReceiverOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#buffer = shared;
    const isTls = isTlsSocket(socket);
    this.isDirect = readInto(socket, isTls ? decryptionBuffer() : shared, {
      onPacket: isTls ? this.#onRecord : this.#onPacket,
      nextBuffer: isTls ? sameBuffer : this.#nextBuffer,
    });
    if (!this.isDirect) socket.on('data', this.#onData);
  }

  /** Leaves the socket as a Readable that nobody has begun to read. */
  release(): void {
    this.#isReleased = true;
    if (!this.isDirect) this.#socket.off('data', this.#onData);
    leaveUnread(this.#socket, this.isDirect);
  }

  /** Forgets the last packet, so that an idle connection does not keep its buffer. */
  forget(): void {
    this.#packet = NO_OCTETS;
  }

  /** A copy of the last packet. */
  get lastPacket(): Buffer {
    return Buffer.from(this.#packet.subarray(0, this.#length));
  }

  readonly #onData = (octets: Buffer): void => {
    this.#packet = octets;
    this.#length = octets.length;
    this.#owner.receive(octets, octets.length, false);
  };

  readonly #onRecord = (length: number, buffer: Buffer): boolean => {
    const octets = Buffer.allocUnsafe(length);
    buffer.copy(octets, 0, 0, length);
    if (this.#isReleased) return this.#socket.push(octets);
    this.#onData(octets);
    return true;
  };

  /** False if nothing more is to be read for now. */
  readonly #onPacket = (length: number, buffer: Buffer): boolean => {
    if (this.#isReleased) return this.#socket.push(Buffer.from(buffer.subarray(0, length)));
    const isLent = buffer === shared;
    this.#packet = buffer;
    this.#length = length;
    this.#owner.receive(buffer, length, isLent);
    // A later error concerns this rest, or octets still to come.
    if (isLent) this.#packet = this.#owner.hasRest ? this.lastPacket : NO_OCTETS;
    return true;
  };

  /** Reads large content into buffers of its own, one packet behind the other. */
  readonly #nextBuffer = (): Buffer | undefined => {
    const buffer = this.#owner.expectedLength > 0 ? this.#contentBuffer() : shared;
    if (buffer === this.#buffer) return undefined;
    this.#buffer = buffer;
    return buffer;
  };

  #contentBuffer(): Buffer {
    const room = this.#buffer.length - this.#length;
    if (this.#buffer !== shared && room >= ENOUGH_ROOM) return this.#buffer.subarray(this.#length);
    const isUpload = this.#length >= LARGE_PACKET && this.#owner.expectedLength >= LARGE_PACKET;
    return isUpload ? Buffer.allocUnsafeSlow(BUFFER_SIZE) : shared;
  }
}

function sameBuffer(): undefined {}
