/**
 * Finds out by pings that the client of a session does not answer any more.
 *
 * So the end of a session is found that node:http2 keeps after a connection error (RFC 9113 §5.4.1): it sends GOAWAY, and then it
 * neither reads nor closes the connection (Node 20 to 26).
 */
import type { ServerHttp2Session } from 'node:http2';
import { isOver } from '../timeouts.ts';

/** Pings of a busy session in the time that its client has to answer. */
const PINGS_A_TIMEOUT = 4;

/** The pulse of one session. */
export class SessionPulse {
  readonly #session: ServerHttp2Session;
  /** When the last ping was sent, by performance.now(); undefined once it is answered. */
  #pingedAt: number | undefined;
  #pongAt: number = performance.now();

  constructor(session: ServerHttp2Session) {
    this.#session = session;
  }

  /**
   * Tells if the client has not answered a ping, and sends the next one when it is due.
   *
   * @param now performance.now()
   * @param timeout Milliseconds that the client has to answer
   */
  isLost(now: number, timeout: number): boolean {
    if (this.#pingedAt !== undefined) return isOver(now - this.#pingedAt, timeout);
    if (now - this.#pongAt < timeout / PINGS_A_TIMEOUT || this.#session.destroyed) return false;
    const answered = (): void => {
      this.#pingedAt = undefined;
      this.#pongAt = performance.now();
    };
    this.#pingedAt = now;
    // Others may ping too, and node sends only so many.
    if (this.#session.ping(answered) === false) answered();
    return false;
  }
}
