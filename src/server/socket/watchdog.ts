/**
 * Tells a client that is slow from one that is gone, where TCP does not say.
 *
 * A client that takes nothing: as long as octets leave the kernel's queue, however few, it lives.
 *
 * A client that has closed its half: it may be waiting for the response (`printf … | nc -N`), or its program may have
 * ended; both look the same until something is sent, when the latter answers with a reset. So it is served, and only
 * where the application is silent for long do we look: by sending something harmless, if there is such a thing.
 * Otherwise long silence counts as gone.
 */
import type { Socket } from 'node:net';
import { kernelQueue } from '../../node-internals/index.ts';

/** Milliseconds of silence. */
const BEFORE_PROBE = 1_000;
const BETWEEN_PROBES = 15_000;
const WITHOUT_PROBE = 5_000;

const NOTHING = new Uint8Array(0);

/** Watches one socket. Times are performance.now(). */
export class Watchdog {
  readonly #socket: Socket;
  #written = 0;
  #queued = 0;
  #movedAt = 0;
  #hasProbed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether octets have waited for the client for so many milliseconds without one of them leaving. */
  isStuck(now: number, timeout: number): boolean {
    this.#note(now);
    return timeout > 0 && this.#socket.writableLength > 0 && now - this.#movedAt >= timeout;
  }

  /** The client has closed its half. */
  onPeerEnd(): void {
    this.#movedAt = performance.now();
  }

  /**
   * What to do about a client that has closed its half.
   *
   * @param now performance.now()
   * @param canProbe Whether there is something harmless to send
   */
  suspect(now: number, canProbe: boolean): 'wait' | 'probe' | 'gone' {
    this.#note(now);
    // What waits to be sent will meet the reset, if there is one.
    if (this.#socket.writableLength > 0) return 'wait';
    const silence = now - this.#movedAt;
    if (!canProbe) return silence >= WITHOUT_PROBE ? 'gone' : 'wait';
    if (silence >= (this.#hasProbed ? BETWEEN_PROBES : BEFORE_PROBE)) {
      this.#hasProbed = true;
      return 'probe';
    }
    // Nobody reads this socket any more, so that its reset is met by writing only: no octets are enough (Linux).
    if (this.#hasProbed) this.#socket.write(NOTHING);
    return 'wait';
  }

  #note(now: number): void {
    const { bytesWritten } = this.#socket;
    const queued = kernelQueue(this.#socket);
    if (bytesWritten === this.#written && queued === this.#queued) return;
    this.#written = bytesWritten;
    this.#queued = queued;
    this.#movedAt = now;
  }
}
