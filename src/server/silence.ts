/**
 * Silence while a request is served: what a connection is to do about it.
 *
 * Only what keeps the application waiting is the client's fault: content that does not come, octets that are not
 * taken, a half that was closed for ever.
 */
import type { Exchange } from './exchange.ts';
import type { ServerSettings } from './options.ts';
import type { Watchdog } from './watchdog.ts';

/** What to do: fail the content, send something harmless, cut the connection, or nothing. */
export type Verdict = 'wait' | 'late' | 'probe' | 'gone';

/** What a judgement depends on, besides the exchange. */
export interface SilenceFacts {
  readonly settings: ServerSettings;
  readonly watchdog: Watchdog;
  /** Milliseconds that the head took. */
  readonly headTime: number;
  /** Whether the client has closed its half. */
  readonly isPeerEnded: boolean;
}

/**
 * Judges the silence of a client whose request is served.
 *
 * @param exchange The request
 * @param now performance.now()
 * @param facts What is known of the connection
 */
export function judgeSilence(exchange: Exchange, now: number, facts: SilenceFacts): Verdict {
  const { settings, watchdog } = facts;
  if (exchange.content.isReading) {
    const passed = facts.headTime + exchange.content.waited(now);
    return isOver(passed, settings.requestTimeout) ? 'late' : 'wait';
  }
  if (watchdog.isStuck(now, settings.writeTimeout)) return 'gone';
  const isWaitedFor = facts.isPeerEnded && exchange.isHalfOpen && !exchange.isEnded;
  return isWaitedFor ? watchdog.suspect(now, exchange.canProbe) : 'wait';
}

/** Whether so many milliseconds are too many; a time-out of 0 never comes. */
export function isOver(passed: number, timeout: number): boolean {
  return timeout > 0 && passed >= timeout;
}
