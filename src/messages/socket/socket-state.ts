/**
 * The state of a stand-in for a socket, under the names by which node's messages and programs ask for it.
 *
 * - `open`: takes output. `ended`: the connection ends with what was sent; a new exchange opens it again.
 * - `destroyed`: the program has cut the connection, or it was lost. `closed`: 'close' was emitted too.
 */
import { OutgoingMessage } from 'node:http';
import { SocketFacts } from './socket-facts.ts';

/** That of node's sockets: 16 KiB, or 64 KiB from Node 22 on. */
const HIGH_WATER_MARK: number = new OutgoingMessage().writableHighWaterMark;

/** A socket's state. */
export class SocketState extends SocketFacts {
  errored: Error | null = null;
  /** Octets of the response that the gateway has not taken yet. */
  writableLength = 0;
  readonly readableHighWaterMark: number = this.hostSocket?.readableHighWaterMark ?? HIGH_WATER_MARK;
  readonly writableHighWaterMark: number = this.hostSocket?.writableHighWaterMark ?? HIGH_WATER_MARK;
  #state: 'open' | 'ended' | 'destroyed' | 'closed' = 'open';

  /** The connection goes on after the response that was sent. */
  protected reopen(): void {
    if (this.#state === 'ended') this.#state = 'open';
  }

  /** The connection ends with the response that was sent. */
  endWriting(): void {
    if (this.#state === 'open') this.#state = 'ended';
  }

  /** The connection is lost, or cut. */
  protected setDestroyed(error: Error | undefined): void {
    this.#state = 'destroyed';
    if (this.writableLength > 0) process.nextTick(emptyBuffer, this);
    if (error !== undefined) this.errored = error;
  }

  /** 'close' is emitted. @returns false if it was before */
  protected setClosed(): boolean {
    if (this.#state === 'closed') return false;
    this.#state = 'closed';
    return true;
  }

  get destroyed(): boolean {
    return this.#state === 'destroyed' || this.#state === 'closed';
  }

  /** True long before 'close', as with a socket: `stream.finished` then does not wait for the event. */
  get closed(): boolean {
    return this.destroyed;
  }

  get readable(): boolean {
    return !this.destroyed;
  }

  get readableEnded(): boolean {
    return this.destroyed;
  }

  get readableAborted(): boolean {
    return this.destroyed;
  }

  get writable(): boolean {
    return this.#state === 'open';
  }

  get writableEnded(): boolean {
    return !this.writable;
  }

  get writableFinished(): boolean {
    return !this.writable && this.writableLength === 0;
  }

  get writableNeedDrain(): boolean {
    return this.writableLength >= this.writableHighWaterMark;
  }

  get readyState(): string {
    if (this.destroyed) return 'closed';
    return this.writable ? 'open' : 'readOnly';
  }

  /** net.Socket's old name. */
  get bufferSize(): number {
    return this.writableLength;
  }
}

function emptyBuffer(socket: SocketState): void {
  socket.writableLength = 0;
}
