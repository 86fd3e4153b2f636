/**
 * A connection whose first octets are awaited, before anybody else has its socket: to find out a protocol, or to read what
 * comes before it.
 *
 * It collects the octets, and applies the time-outs of a head. The subclasses know what the octets mean.
 */
import type { Socket } from 'node:net';
import { ProtocolError } from '../errors.ts';
import { findClientError, leaveUnread } from '../node-internals/index.ts';
import type { ConnectionOwner, ServedConnection } from './connection-owner.ts';
import { isLate } from './timeouts.ts';

const NOTHING = Buffer.alloc(0);

/** Collects the first octets of a socket. */
export abstract class FirstOctets implements ServedConnection {
  protected readonly socket: Socket;
  protected readonly owner: ConnectionOwner;
  /** All that has come. */
  protected octets: Buffer = NOTHING;
  readonly #since = performance.now();

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.socket = socket;
    this.owner = owner;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.resume();
  }

  /** Called when more octets have come. It calls `handOn` or `refuse` once they are enough. */
  protected abstract look(): void;

  /** The fault of a client that ends its half after some octets. */
  protected abstract incomplete(): ProtocolError;

  /** A part of what is awaited is no request. */
  get isIdle(): boolean {
    return performance.now() - this.#since >= this.owner.settings.firstRequestGrace;
  }

  closeWhenDone(): void {
    if (this.isIdle) this.destroy();
  }

  /** Nothing was answered. */
  closeIfAnswered(): void {}

  destroy(): void {
    this.socket.destroy();
  }

  check(now: number): void {
    if (this.owner.isStopping && this.isIdle) this.destroy();
    else if (isLate(now - this.#since, this.owner.settings))
      this.refuse(new ProtocolError('WSGI_ERR_REQUEST_TIMEOUT'));
  }

  /** Leaves the socket as if nobody had begun to read it. The octets that have come are the caller's. */
  protected handOn(): void {
    this.#release();
    this.socket.off('close', this.#onClose);
    leaveUnread(this.socket, false);
  }

  /**
   * Closes the connection without an answer: it is not known in which protocol. So listeners get a socket that is destroyed
   * already.
   */
  protected refuse(fault: ProtocolError): void {
    const { socket, owner } = this;
    this.#release();
    socket.on('error', () => {});
    socket.destroy();
    if (fault.code === 'WSGI_ERR_REQUEST_TIMEOUT') owner.tally.timeouts.head += 1;
    else owner.tally.clientErrors += 1;
    const error = findClientError(fault, { packet: this.octets });
    if (error !== undefined) owner.reportSocketError(error, socket);
  }

  readonly #onData = (packet: Buffer): void => {
    this.octets = this.octets.length === 0 ? packet : Buffer.concat([this.octets, packet]);
    this.look();
  };

  readonly #onEnd = (): void => {
    // A load balancer has looked if the port is open.
    if (this.octets.length === 0) this.destroy();
    else this.refuse(this.incomplete());
  };

  readonly #onError = (error: Error): void => {
    this.owner.reportSocketError(error, this.socket);
  };

  readonly #onClose = (): void => {
    this.owner.remove(this);
  };

  #release(): void {
    this.socket.off('data', this.#onData);
    this.socket.off('end', this.#onEnd);
    this.socket.off('error', this.#onError);
  }
}
