/**
 * One connection without TLS whose first octets decide if it speaks HTTP/2 or HTTP/1.1 (RFC 9113 §3.3, prior knowledge).
 *
 * Nobody else has the socket yet. It is decided at the first octet that differs, which for most requests of HTTP/1.1 is the
 * very first.
 */
import type { Socket } from 'node:net';
import { ProtocolError } from '../../errors.ts';
import { findClientError, leaveUnread } from '../../node-internals/index.ts';
import type { ConnectionOwner, ServedConnection } from '../connection-owner.ts';
import type { Phase } from '../phase.ts';
import { isLate } from '../timeouts.ts';

/** The octets with which a client of HTTP/2 begins (RFC 9113 §3.4). */
const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

const NOTHING = Buffer.alloc(0);

/** Called with the protocol, and the octets that have come. */
export type PrefaceListener = (isHttp2: boolean, octets: Buffer) => void;

/** A connection whose first octets are awaited. */
export class PrefaceReader implements ServedConnection {
  readonly phase: Phase = 'fresh';
  readonly requests = 0;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #onDecided: PrefaceListener;
  readonly #since = performance.now();
  #octets: Buffer = NOTHING;

  /** @param onDecided Called once; the socket is then as if nobody had begun to read it */
  constructor(socket: Socket, owner: ConnectionOwner, onDecided: PrefaceListener) {
    this.#socket = socket;
    this.#owner = owner;
    this.#onDecided = onDecided;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.resume();
  }

  get isIdle(): boolean {
    return performance.now() - this.#since >= this.#owner.settings.firstRequestGrace;
  }

  closeWhenDone(): void {
    if (this.isIdle) this.destroy();
  }

  /** Nothing was answered. */
  closeIfAnswered(): void {}

  destroy(): void {
    this.#socket.destroy();
  }

  check(now: number): void {
    const { settings, isStopping, tally } = this.#owner;
    if (isStopping && this.isIdle) this.destroy();
    else if (isLate(now - this.#since, settings)) {
      tally.timeouts.head += 1;
      this.#refuse(new ProtocolError('WSGI_ERR_REQUEST_TIMEOUT'));
    }
  }

  /** Closes the connection without an answer: it is not known in which protocol. */
  #refuse(fault: ProtocolError): void {
    const socket = this.#socket;
    const error = findClientError(fault, { packet: this.#octets });
    this.#release();
    socket.on('error', () => {}).on('close', this.#onClose);
    socket.destroy();
    if (error !== undefined) this.#owner.reportSocketError(error, socket);
  }

  readonly #onData = (packet: Buffer): void => {
    this.#octets = this.#octets.length === 0 ? packet : Buffer.concat([this.#octets, packet]);
    const length = Math.min(this.#octets.length, PREFACE.length);
    const isPreface = this.#octets.compare(PREFACE, 0, length, 0, length) === 0;
    if (!isPreface || length === PREFACE.length) this.#decide(isPreface);
  };

  readonly #onEnd = (): void => {
    if (this.#octets.length === 0) this.destroy();
    else {
      this.#owner.tally.clientErrors += 1;
      this.#refuse(new ProtocolError('WSGI_ERR_HEAD_INCOMPLETE'));
    }
  };

  readonly #onError = (error: Error): void => {
    this.#owner.reportSocketError(error, this.#socket);
  };

  readonly #onClose = (): void => {
    this.#owner.remove(this);
  };

  #decide(isHttp2: boolean): void {
    this.#release();
    leaveUnread(this.#socket, false);
    this.#onDecided(isHttp2, this.#octets);
  }

  #release(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
  }
}
