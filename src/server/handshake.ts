/** One connection during its TLS handshake. Node limits the time of a handshake; here it is ended if the server stops. */
import type { Socket } from 'node:net';
import { areCarriersKnown } from '../node-internals/index.ts';
import type { ConnectionOwner, ServedConnection } from './connection-owner.ts';

/** A handshake. Its socket carries the TLS connection. */
export class Handshake implements ServedConnection {
  readonly socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #since = performance.now();

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.socket = socket;
    this.#owner = owner;
    socket.once('close', () => owner.remove(this));
  }

  get isIdle(): boolean {
    // Without carriers its end is unknown, and it lasts as long as its socket.
    return areCarriersKnown() && performance.now() - this.#since >= this.#owner.settings.firstRequestGrace;
  }

  closeWhenDone(): void {
    if (this.isIdle) this.destroy();
  }

  /** Nothing was answered. */
  closeIfAnswered(): void {}

  destroy(): void {
    this.socket.destroy();
  }

  check(): void {
    if (this.#owner.isStopping && this.isIdle) this.destroy();
  }
}
