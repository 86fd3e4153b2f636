/**
 * Decides what to do with a connection on which nothing has moved for a while.
 *
 * A connection is in one phase at a time:
 * - `fresh`: no octet of the first request has come. Closed after headersTimeout or requestTimeout.
 * - `idle`: no octet of the next request has come. Closed after keepAliveTimeout + keepAliveTimeoutBuffer.
 * - `head`: a head has begun. 408 after headersTimeout or requestTimeout, counted from its first octet.
 * - `serving`: an application runs. requestTimeout goes on, but only while the application waits for content.
 * - `draining`: the response has ended. Unread content is thrown away, up to a size and a time. While the application
 *   reads on, requestTimeout counts instead.
 * - `closing`: no request is served any more. socket/lingering-close.ts ends the connection.
 * - `closed`.
 *
 * During a request only the client is to blame: for content that does not come, octets that it does not take, and a
 * half that it has closed for good.
 */
import type { RequestParser } from '../http/index.ts';
import type { HttpSink } from './exchange/http-sink.ts';
import type { ServerSettings } from './options.ts';
import type { LingeringClose } from './socket/lingering-close.ts';
import type { Watchdog } from './socket/watchdog.ts';

/** The phases of a connection, explained above. */
export type Phase = 'fresh' | 'idle' | 'head' | 'serving' | 'draining' | 'closing' | 'closed';

/**
 * `wait`: do nothing. `close`: close in order. `refuse`: refuse a late request. `fail`: fail the waiting read of
 * content. `probe`: send something harmless. `gone`: cut the connection.
 */
export type Verdict = 'wait' | 'close' | 'refuse' | 'fail' | 'probe' | 'gone';

/** The state of a connection that time-outs depend on. */
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
  /** The client has closed its half. */
  readonly isPeerEnded: boolean;
  /** The connection has served as many requests as it may. */
  readonly isUsedUp: boolean;
}

/** Milliseconds that a client has after the last response to close first, or to get a refusal. */
const LAST_IDLE_TIMEOUT = 500;

/** Milliseconds that a `clientError` listener has to answer a client that has closed its half. */
const FORGOTTEN_TIMEOUT = 5_000;

/**
 * Judges a connection.
 *
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

function judgeLingering(connection: TimedConnection, now: number): Verdict {
  const { lingeringClose, settings, watchdog } = connection;
  if (lingeringClose !== undefined)
    return lingeringClose.isOver(now, settings.writeTimeout) ? 'gone' : 'wait';
  // The socket is a `clientError` listener's, unless its client has left or takes nothing.
  const isForgotten = connection.isPeerEnded && now - connection.since >= FORGOTTEN_TIMEOUT;
  return isForgotten || watchdog.isStuck(now, settings.writeTimeout) ? 'gone' : 'wait';
}

function idleTimeout({ keepAliveTimeout, keepAliveTimeoutBuffer }: ServerSettings): number {
  return keepAliveTimeout === 0 ? 0 : keepAliveTimeout + keepAliveTimeoutBuffer;
}

/** A time-out of 0 is off. */
function isOver(passed: number, timeout: number): boolean {
  return timeout > 0 && passed >= timeout;
}
