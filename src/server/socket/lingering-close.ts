/**
 * Ends a connection: in order (RFC 9112 §9.6), or visibly cut off.
 *
 * In order, our half is closed once the client has taken what was sent. What still comes is thrown away for a moment:
 * closing with unread octets would make TCP reset the connection and destroy the response on its way.
 */
import type { Socket } from 'node:net';
import { canReset } from '../../node-internals/index.ts';
import type { Watchdog } from './watchdog.ts';

/** Octets and milliseconds for which a client may go on sending. */
const LINGER_LIMIT = 1_048_576;
const LINGER_TIMEOUT = 1_500;

const NOTHING = new Uint8Array(0);

/**
 * Cuts off a response that ends with its connection, so that the client sees that it is not whole (RFC 9112 §8).
 *
 * TCP: a reset; node resets nothing else. TLS: no close_notify (RFC 9112 §9.8). A unix socket has no such sign.
 */
export function cutOff(socket: Socket): void {
  if (canReset(socket)) socket.resetAndDestroy();
  else socket.write(NOTHING, () => socket.destroy());
}

/** Closes one socket in order. */
export class LingeringClose {
  readonly #socket: Socket;
  readonly #watchdog: Watchdog;
  #discarded = 0;
  /** When our half was closed, by performance.now(). */
  #finishedAt: number | undefined;

  constructor(socket: Socket, watchdog: Watchdog) {
    this.#socket = socket;
    this.#watchdog = watchdog;
    socket.on('finish', () => {
      this.#finishedAt = performance.now();
    });
    socket.end();
    // If it is paused, it would not learn that the client closes its half too.
    socket.resume();
  }

  /** Throws octets away. */
  discard(octets: number): void {
    this.#discarded += octets;
    if (this.#finishedAt !== undefined && this.#discarded > LINGER_LIMIT) this.#socket.destroy();
  }

  /**
   * Tells if the connection is to be cut, because the client has had its time.
   *
   * @param now performance.now()
   * @param writeTimeout Milliseconds for which a client may take nothing
   */
  isOver(now: number, writeTimeout: number): boolean {
    return this.#finishedAt === undefined
      ? this.#watchdog.isStuck(now, writeTimeout)
      : now - this.#finishedAt >= LINGER_TIMEOUT;
  }
}
