/**
 * The end of a connection: in order (RFC 9112 §9.6), or visibly not.
 *
 * In order:
 * First our half is closed, once the client has taken what was sent. Then what still comes is thrown away for a
 * moment: closing with octets unread would make TCP reset the connection and destroy the response on its way.
 */
import type { Socket } from 'node:net';
import { canReset } from '../../node-internals/index.ts';
import type { Watchdog } from './watchdog.ts';

/** Octets that are still taken, and the milliseconds for which they are. */
const LINGER_LIMIT = 1_048_576;
const LINGER_TIMEOUT = 1_500;

const NOTHING = new Uint8Array(0);

/**
 * Ends a connection whose orderly end would pass for the end of the response (RFC 9112 §8).
 *
 * A reset tells them apart, but node resets plain TCP only. Over TLS it is the missing close_notify (RFC 9112 §9.8); a
 * unix socket has nothing of the kind.
 */
export function cutOff(socket: Socket): void {
  if (canReset(socket)) socket.resetAndDestroy();
  else socket.write(NOTHING, () => socket.destroy());
}

/** Closes one socket. */
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
    // It may have been paused, and then would not learn that the client closes its half too.
    socket.resume();
  }

  /** Takes octets that nobody wants. */
  discard(octets: number): void {
    this.#discarded += octets;
    if (this.#finishedAt !== undefined && this.#discarded > LINGER_LIMIT) this.#socket.destroy();
  }

  /**
   * Tells whether it has taken long enough, so that the connection is to be cut.
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
