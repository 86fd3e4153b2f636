/**
 * What comes in on a connection: octets, handed to whoever serves it as they arrive.
 *
 * A Readable makes a buffer of 64 KiB for every packet, cuts it down, queues and emits it: a fifth of what a hello
 * request costs (a server that answers canned octets: 9.9 µs with it, 7.9 µs without, Node 20). net.Socket knows
 * another way, its option `onread`, with one buffer for everything; but the sockets of a server are made without
 * options. So what the option sets is set here, on a socket that was accepted; where it cannot be, 'data' it is.
 *
 * Rule 1: octets that are lent are overwritten by the next packet of any connection: copy them before you return.
 * Rule 2: this is the one place that knows how octets come out of a socket. Pausing it, resuming it and its end are
 *         what they are without it.
 */
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** As much as libuv reads at once. */
const BUFFER_SIZE = 65_536;

/** Packets from which a buffer of their own costs less than copies of what is in them. */
const LARGE_PACKET = 16_384;

const NO_OCTETS = Buffer.alloc(0);

/** Takes what comes in. */
export interface ReceiverHost {
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
  readonly #host: ReceiverHost;
  readonly #isLending: boolean;
  #isReleased = false;
  /** The buffer that the next packet goes to. */
  #buffer: Buffer;
  /** Begins with the last packet. */
  #packet: Buffer = NO_OCTETS;
  #length = 0;

  constructor(socket: Socket, host: ReceiverHost) {
    this.#socket = socket;
    this.#host = host;
    this.#buffer = shared;
    this.#isLending = lend(socket, shared, { onPacket: this.#onPacket, nextBuffer: this.#nextBuffer });
    if (!this.#isLending) socket.on('data', this.#onData);
  }

  /** Leaves the socket to others, as a Readable that nobody has begun to read. */
  release(): void {
    this.#isReleased = true;
    if (!this.#isLending) this.#socket.off('data', this.#onData);
    // As node does it: whoever reads next decides how. Until then it is read as far as its buffer goes, and to its end.
    this.#socket.pause();
    Object.assign(this.#socket, { readableFlowing: null });
    // pause() has stopped a socket with a buffer of its own; read() is what starts it again.
    if (this.#isLending) this.#socket.read(0);
  }

  /** The octets that came last, for those who want to see what was wrong with them. */
  get lastPacket(): Buffer {
    return Buffer.from(this.#packet.subarray(0, this.#length));
  }

  readonly #onData = (octets: Buffer): void => {
    this.#packet = octets;
    this.#length = octets.length;
    this.#host.receive(octets, octets.length, false);
  };

  /** Gives false if nothing more is to be read for now. */
  readonly #onPacket = (length: number, buffer: Buffer): boolean => {
    if (this.#isReleased) return this.#socket.push(Buffer.from(buffer.subarray(0, length)));
    const isLent = buffer === shared;
    this.#packet = buffer;
    this.#length = length;
    this.#host.receive(buffer, length, isLent);
    // Whatever happens next happens to what came now, or needs more to come.
    if (isLent) this.#packet = this.#host.hasRest ? this.lastPacket : NO_OCTETS;
    return true;
  };

  /** Much content is read into buffers of its own, which are given away in views. */
  readonly #nextBuffer = (): Buffer | undefined => {
    const isUpload = this.#length >= LARGE_PACKET && this.#host.keepsViews;
    const buffer = isUpload ? Buffer.allocUnsafeSlow(BUFFER_SIZE) : shared;
    if (buffer === this.#buffer) return undefined;
    this.#buffer = buffer;
    return buffer;
  };
}

/** What `onread` is made of. */
interface Lending {
  onPacket(length: number, buffer: Buffer): boolean;
  /** Gives the buffer for the next packet; undefined for the one before. */
  nextBuffer(): Buffer | undefined;
}

/** Keeps what `onread` keeps in a socket, under symbols that are node's own (20 to 26). */
interface OnReadSymbols {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

let symbols: OnReadSymbols | undefined;

/** Does to a socket that was accepted what the option `onread` does to one that is made; false if it cannot be done. */
function lend(
  socket: Socket & { readonly _handle?: { useUserBuffer?(buffer: Buffer): void } | null },
  buffer: Buffer,
  { onPacket, nextBuffer }: Lending,
): boolean {
  // Windows has many reads under way at once, each with its buffer. Over TLS the buffers are OpenSSL's anyway.
  if (process.platform === 'win32' || socket instanceof TLSSocket || !(socket instanceof Socket))
    return false;
  const handle = socket._handle;
  // Somebody has begun to read it.
  if (socket.readableLength > 0 || socket.readableFlowing !== null) return false;
  symbols ??= findSymbols(socket);
  if (symbols === undefined || typeof handle?.useUserBuffer !== 'function') return false;
  Object.assign(socket, {
    [symbols.buffer]: buffer,
    [symbols.callback]: onPacket,
    [symbols.generator]: nextBuffer,
  });
  handle.useUserBuffer(buffer);
  return true;
}

function findSymbols(socket: Socket): OnReadSymbols | undefined {
  const known = Object.getOwnPropertySymbols(socket);
  const find = (description: string): symbol | undefined =>
    known.find((symbol) => symbol.description === description);
  const buffer = find('kBuffer');
  const callback = find('kBufferCb');
  const generator = find('kBufferGen');
  if (buffer === undefined || callback === undefined || generator === undefined) return undefined;
  return { buffer, callback, generator };
}
