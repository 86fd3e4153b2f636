/**
 * Silence: what a connection is to do when nothing has happened for a while.
 *
 * A connection is in one phase at a time, and each phase has its own answer:
 * - `fresh`: no octet of a first request has come; closed after headersTimeout.
 * - `idle`: no octet of a next request has come; closed after keepAliveTimeout, and its buffer.
 * - `head`: a head has begun; 408 after headersTimeout, counted from its first octet.
 * - `serving`: an application is at work; requestTimeout goes on from where the head has left it, but only while the
 *   application waits for content: what it takes itself is not the client's fault.
 * - `draining`: the response has ended, content that nobody read is thrown away, up to a size and a time.
 * - `closing`: nothing is served any more; how a connection ends in order is lingeringClose.ts's.
 * - `closed`.
 * While a request is served only what keeps the application waiting is the client's fault: content that does not come,
 * octets that are not taken, a half that was closed for ever.
 */
import type { RequestParser } from '../http/index.ts';
import type { HttpSink } from './exchange/http-sink.ts';
import type { ServerSettings } from './options.ts';
import type { LingeringClose } from './socket/lingering-close.ts';
import type { Watchdog } from './socket/watchdog.ts';

/** What is under way on a connection. */
export type Phase = 'fresh' | 'idle' | 'head' | 'serving' | 'draining' | 'closing' | 'closed';

/**
 * What to do: close in order, refuse a request that did not come in time, let reading fail, send something harmless,
 * cut the connection, or nothing.
 */
export type Verdict = 'wait' | 'close' | 'refuse' | 'fail' | 'probe' | 'gone';

/** A connection as far as it can be silent. */
export interface TimedConnection {
  readonly phase: Phase;
  /** When the phase began, by performance.now(). */
  readonly since: number;
  readonly settings: ServerSettings;
  readonly watchdog: Watchdog;
  readonly parser: RequestParser;
  /** Milliseconds that the head took of the request whose content is awaited. */
  readonly headTime: number;
  readonly exchange: HttpSink | undefined;
  readonly lingeringClose: LingeringClose | undefined;
  /** Whether the client has closed its half. */
  readonly isPeerEnded: boolean;
  /** Whether it has served as many requests as it may. */
  readonly isUsedUp: boolean;
}

/** Milliseconds in which a client that was told of the end may close first, or get a refusal. */
const LAST_IDLE_TIMEOUT = 500;

/**
 * Judges the silence of a connection.
 *
 * @param connection The connection
 * @param now performance.now()
 */
export function judgeTimeouts(connection: TimedConnection, now: number): Verdict {
  const { exchange, settings } = connection;
  const passed = now - connection.since;
  switch (connection.phase) {
    case 'idle':
      return isOver(passed, connection.isUsedUp ? LAST_IDLE_TIMEOUT : idleTimeout(settings))
        ? 'close'
        : 'wait';
    case 'fresh':
    case 'head': {
      const isLate = isOver(passed, settings.headersTimeout) || isOver(passed, settings.requestTimeout);
      return isLate ? 'refuse' : 'wait';
    }
    case 'serving':
      return exchange === undefined ? 'wait' : judgeExchange(exchange, now, connection);
    case 'draining':
      if (exchange?.content.isReading === true) return judgeExchange(exchange, now, connection);
      return isOver(passed, settings.drainTimeout) ? 'close' : 'wait';
    case 'closing':
      return judgeLingering(connection, now);
    case 'closed':
      return 'wait';
  }
}

function judgeExchange(exchange: HttpSink, now: number, connection: TimedConnection): Verdict {
  const { settings, watchdog } = connection;
  if (exchange.content.isReading) {
    const passed = connection.headTime + exchange.content.waited(now);
    return isOver(passed, settings.requestTimeout) ? 'fail' : 'wait';
  }
  if (watchdog.isStuck(now, settings.writeTimeout)) return 'gone';
  const isWaitedFor = connection.isPeerEnded && exchange.isHalfOpen && !exchange.isEnded;
  return isWaitedFor ? watchdog.suspect(now, exchange.canProbe) : 'wait';
}

function judgeLingering({ lingeringClose, settings, watchdog }: TimedConnection, now: number): Verdict {
  // The socket is a clientError listener's, and stays if it is left alone, but not for a client that is stuck.
  const isOverdue =
    lingeringClose === undefined
      ? watchdog.isStuck(now, settings.writeTimeout)
      : lingeringClose.isOver(now, settings.writeTimeout);
  return isOverdue ? 'gone' : 'wait';
}

function idleTimeout({ keepAliveTimeout, keepAliveTimeoutBuffer }: ServerSettings): number {
  return keepAliveTimeout === 0 ? 0 : keepAliveTimeout + keepAliveTimeoutBuffer;
}

/** A time-out of 0 never comes. */
function isOver(passed: number, timeout: number): boolean {
  return timeout > 0 && passed >= timeout;
}
