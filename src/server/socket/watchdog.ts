/**
 * Tells a slow client from one that is gone, where TCP does not say.
 *
 * A client that takes nothing: it lives as long as octets leave the kernel's queue, however few.
 *
 * A client that has closed its half: it may wait for the response (`printf … | nc -N`), or its program may have
 * ended. Both look the same until something is sent; the latter then answers with a reset. So it is served. If the
 * application sends nothing for long, something harmless is sent as a probe; where there is no such thing, the client
 * counts as gone.
 */
import type { Socket } from 'node:net';
import { kernelQueue } from '../../node-internals/index.ts';

/** Milliseconds without a movement of octets. */
const BEFORE_PROBE = 1_000;
const BETWEEN_PROBES = 15_000;
const WITHOUT_PROBE = 5_000;
/** Milliseconds after a probe in which its reset is looked for first; each further look doubles them. */
const FIRST_LOOK = 100;

const NOTHING = new Uint8Array(0);

/** Watches one socket. Times are performance.now(). */
export class Watchdog {
  readonly #socket: Socket;
  #written = 0;
  #queued = 0;
  #movedAt = 0;
  #hasProbed = false;
  /** Milliseconds after a probe at which its reset is looked for next. */
  #nextLook = FIRST_LOOK;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Tells if octets have waited for the client for this many milliseconds, and none has left. */
  isStuck(now: number, timeout: number): boolean {
    this.#note(now);
    return timeout > 0 && this.#socket.writableLength > 0 && now - this.#movedAt >= timeout;
  }

  /** The client has closed its half. */
  onPeerEnd(): void {
    this.#movedAt = performance.now();
  }

  /**
   * Decides what to do with a client that has closed its half.
   *
   * @param now performance.now()
   * @param canProbe There is something harmless to send
   */
  suspect(now: number, canProbe: boolean): 'wait' | 'probe' | 'gone' {
    this.#note(now);
    // The waiting octets will meet the reset, if there is one.
    if (this.#socket.writableLength > 0) return 'wait';
    const passed = now - this.#movedAt;
    if (!canProbe) return passed >= WITHOUT_PROBE ? 'gone' : 'wait';
    if (passed >= (this.#hasProbed ? BETWEEN_PROBES : BEFORE_PROBE)) {
      this.#hasProbed = true;
      this.#nextLook = FIRST_LOOK;
      return 'probe';
    }
    // Nobody reads this socket any more, so only a write meets a reset: even one of no octets (Linux).
    if (this.#hasProbed && passed >= this.#nextLook) {
      this.#nextLook *= 2;
      this.#socket.write(NOTHING);
    }
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
