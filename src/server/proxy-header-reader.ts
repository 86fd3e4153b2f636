/**
 * One connection before its PROXY protocol header has come.
 *
 * Nobody else has the socket yet. Octets after the header are put back, for HTTP or for the TLS handshake.
 */
import type { Socket } from 'node:net';
import { ProtocolError } from '../errors.ts';
import { type ProxyHeader, readProxyHeader } from '../http/index.ts';
import { findClientError, leaveUnread } from '../node-internals/index.ts';
import type { ConnectionOwner, ServedConnection } from './connection-owner.ts';
import { isLate } from './timeouts.ts';

const NOTHING = Buffer.alloc(0);

/** A connection whose header is awaited. */
export class ProxyHeaderReader implements ServedConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #onHeader: (header: ProxyHeader) => void;
  readonly #since = performance.now();
  #heardAt: number = this.#since;
  /** All that has come. */
  #octets: Buffer = NOTHING;

  /** @param onHeader Called once; the socket is then as if the header had never been there */
  constructor(socket: Socket, owner: ConnectionOwner, onHeader: (header: ProxyHeader) => void) {
    this.#socket = socket;
    this.#owner = owner;
    this.#onHeader = onHeader;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.resume();
  }

  /** Part of a header is no request. */
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
    const { settings, isStopping } = this.#owner;
    const isSilent = settings.timeout > 0 && now - this.#heardAt >= settings.timeout;
    if (isSilent || (isStopping && this.isIdle)) this.destroy();
    else if (isLate(now - this.#since, settings)) this.#refuse(new ProtocolError('WSGI_ERR_REQUEST_TIMEOUT'));
  }

  readonly #onData = (packet: Buffer): void => {
    this.#heardAt = performance.now();
    this.#octets = this.#octets.length === 0 ? packet : Buffer.concat([this.#octets, packet]);
    let read: ReturnType<typeof readProxyHeader>;
    try {
      read = readProxyHeader(this.#octets);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#refuse(error);
      return;
    }
    if (read === undefined) return;
    this.#release();
    leaveUnread(this.#socket, false);
    const rest = this.#octets.subarray(read.length);
    if (rest.length > 0) this.#socket.unshift(rest);
    try {
      this.#onHeader(read.header);
    } finally {
      // Last, so that the server is not taken for empty in between.
      this.#owner.remove(this);
    }
  };

  readonly #onEnd = (): void => {
    // A load balancer has looked if the port is open.
    if (this.#octets.length === 0) this.destroy();
    else this.#refuse(new ProtocolError('WSGI_ERR_PROXY_HEADER_INVALID', 'it is incomplete'));
  };

  readonly #onError = (error: Error): void => {
    this.#owner.reportSocketError(error, this.#socket);
  };

  readonly #onClose = (): void => {
    this.#owner.remove(this);
  };

  #release(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
  }

  /**
   * Closes the connection without an answer (§2.1): the other side does not speak HTTP before its header. So listeners
   * get a socket that is destroyed already.
   */
  #refuse(fault: ProtocolError): void {
    const socket = this.#socket;
    this.#release();
    socket.on('error', () => {});
    socket.destroy();
    this.#owner.remove(this);
    const { tally } = this.#owner;
    if (fault.code === 'WSGI_ERR_REQUEST_TIMEOUT') tally.timeouts.head += 1;
    else tally.clientErrors += 1;
    const error = findClientError(fault, { packet: this.#octets });
    if (error !== undefined) this.#owner.reportSocketError(error, socket);
  }
}
