/**
 * One connection before its PROXY protocol header has come. The other side does not speak HTTP before its header, so that a
 * fault is not answered (§2.1).
 *
 * Octets after the header are put back, for HTTP or for the TLS handshake.
 */
import type { Socket } from 'node:net';
import { ProtocolError } from '../errors.ts';
import { type ProxyHeader, readProxyHeader } from '../http/index.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { FirstOctets } from './first-octets.ts';

/** A connection whose header is awaited. */
export class ProxyHeaderReader extends FirstOctets {
  readonly #onHeader: (header: ProxyHeader) => void;
  #heardAt: number = performance.now();

  /** @param onHeader Called once; the socket is then as if the header had never been there */
  constructor(socket: Socket, owner: ConnectionOwner, onHeader: (header: ProxyHeader) => void) {
    super(socket, owner);
    this.#onHeader = onHeader;
  }

  override check(now: number): void {
    // The socket gets the setting `timeout` later.
    const { timeout } = this.owner.settings;
    if (timeout > 0 && now - this.#heardAt >= timeout) this.destroy();
    else super.check(now);
  }

  protected override look(): void {
    this.#heardAt = performance.now();
    let read: ReturnType<typeof readProxyHeader>;
    try {
      read = readProxyHeader(this.octets);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.refuse(error);
      return;
    }
    if (read === undefined) return;
    this.handOn();
    const rest = this.octets.subarray(read.length);
    if (rest.length > 0) this.socket.unshift(rest);
    try {
      this.#onHeader(read.header);
    } finally {
      // Last, so that the server is not taken for empty in between.
      this.owner.remove(this);
    }
  }

  protected override incomplete(): ProtocolError {
    return new ProtocolError('WSGI_ERR_PROXY_HEADER_INVALID', 'it is incomplete');
  }
}
