/**
 * Decides what to do with a connection on which nothing has moved for a while. connection.ts has the chart of the
 * phases.
 *
 * During a request only the client is to blame: for content that does not come, octets that it does not take, and a
 * half that it has closed for good.
 */
import type { ConnectionOwner } from './connection-owner.ts';
import type { HttpSink } from './exchange/http-sink.ts';
import type { TimeoutMetrics } from './metrics.ts';
import type { ServerSettings } from './options.ts';
import type { Phase } from './phase.ts';
import type { Intake } from './socket/intake.ts';
import type { Watchdog } from './socket/watchdog.ts';

/**
 * `wait`: do nothing. `close`: close in order. `refuse`: refuse a late request. `fail`: fail the waiting read of
 * content. `probe`: send something harmless. `gone`: cut the connection.
 */
export type Verdict = 'wait' | 'close' | 'refuse' | 'fail' | 'probe' | 'gone';

/** The state of a connection that time-outs depend on. */
export interface TimedConnection {
  readonly phase: Phase;
  /** When the phase began, by performance.now(); or NOT_NOTED. */
  since: number;
  readonly server: ConnectionOwner;
  readonly watchdog: Watchdog;
  readonly intake: Intake;
  /** Milliseconds that the head took of the request whose content is awaited. */
  readonly headTime: number;
  readonly exchange: HttpSink | undefined;
  /** The client has closed its half. */
  readonly isPeerEnded: boolean;
  /** The connection has served as many requests as it may. */
  readonly isUsedUp: boolean;
}

/**
 * A connection has become idle, and the clock notes when at its next look. To read the time for each request would take a
 * twentieth of our own work on it.
 */
export const NOT_NOTED: number = -1;

/** Milliseconds that a client has after the last response to close first, or to get a refusal. */
const LAST_IDLE_TIMEOUT = 500;

/** Milliseconds without an octet after which a client that was told of the close counts as silent. */
const LINGER_SILENCE = 5_000;

/** Milliseconds that a `clientError` listener has to answer a client that has closed its half. */
const FORGOTTEN_TIMEOUT = 5_000;

/** The name of a verdict in the metrics. */
const COUNTED: Readonly<Partial<Record<Verdict, keyof TimeoutMetrics>>> = {
  close: 'idle',
  refuse: 'head',
  fail: 'content',
  gone: 'unresponsive',
};

/**
 * Judges a connection, and counts the verdict.
 *
 * @param now performance.now()
 */
export function judgeTimeouts(connection: TimedConnection, now: number): Verdict {
  const verdict = judge(connection, now);
  const name = COUNTED[verdict];
  if (name !== undefined) connection.server.tally.timeouts[name] += 1;
  return verdict;
}

function judge(connection: TimedConnection, now: number): Verdict {
  if (connection.since === NOT_NOTED) connection.since = now;
  const { exchange, watchdog } = connection;
  const { settings, isStopping } = connection.server;
  const passed = now - connection.since;
  switch (connection.phase) {
    case 'fresh':
      if (isStopping && passed >= settings.firstRequestGrace) return 'gone';
      return isLate(passed, settings) ? 'refuse' : 'wait';
    case 'head':
      return isLate(passed, settings) ? 'refuse' : 'wait';
    case 'idle':
      if (isGraceOver(connection, now)) return 'close';
      return isOver(passed, connection.isUsedUp ? LAST_IDLE_TIMEOUT : idleTimeout(settings))
        ? 'close'
        : 'wait';
    case 'serving':
      return exchange === undefined ? 'wait' : judgeExchange(exchange, now, connection);
    case 'reading':
      return exchange === undefined ? 'wait' : judgeReader(exchange, now, connection);
    case 'draining':
      return isSilent(connection, now, settings.drainTimeout) ? 'close' : 'wait';
    case 'lingering':
      return isSilent(connection, now, LINGER_SILENCE) ? 'gone' : 'wait';
    case 'reported':
      if (connection.isPeerEnded && passed >= FORGOTTEN_TIMEOUT) return 'gone';
      return watchdog.isStuck(now, settings.writeTimeout) ? 'gone' : 'wait';
    case 'answered':
    case 'closing':
    case 'cut':
      return watchdog.isStuck(now, settings.writeTimeout) ? 'gone' : 'wait';
    case 'ready':
    case 'closed':
      return 'wait';
  }
}

function judgeExchange(exchange: HttpSink, now: number, connection: TimedConnection): Verdict {
  const { watchdog, server } = connection;
  const { settings } = server;
  if (exchange.content.isAwaited) {
    const passed = connection.headTime + exchange.content.waited(now);
    if (isOver(passed, settings.requestTimeout)) return 'fail';
  }
  if (exchange.content.isReading) return 'wait';
  if (watchdog.isStuck(now, settings.writeTimeout)) return 'gone';
  const isWaitedFor = connection.isPeerEnded && exchange.isHalfOpen;
  return isWaitedFor ? watchdog.suspect(now, exchange.canProbe) : 'wait';
}

/** After the answer, requestTimeout bounds a reader that never goes on, too. */
function judgeReader(
  { content }: HttpSink,
  now: number,
  { server, headTime, since }: TimedConnection,
): Verdict {
  const passed = content.isReading ? headTime + content.waited(now) : now - Math.max(since, content.lastPull);
  return isOver(passed, server.settings.requestTimeout) ? 'fail' : 'wait';
}

/** The server is shutting down, and the connection was idle for as long as it is kept for one more request. */
function isGraceOver({ server: { shutdown }, since }: TimedConnection, now: number): boolean {
  return shutdown !== undefined && now - Math.max(since, shutdown.time) >= shutdown.idleGrace;
}

/** The client has sent nothing for long, or has sent what nobody reads for longer. */
function isSilent({ since, intake, server }: TimedConnection, now: number, silence: number): boolean {
  const lastInput = Math.max(since, intake.lastInput);
  return isOver(now - lastInput, silence) || isOver(now - since, server.settings.lingerTimeout);
}

/** Tells if the first octets of a connection, or a head, have not come in time. */
export function isLate(passed: number, { headersTimeout, requestTimeout }: ServerSettings): boolean {
  return isOver(passed, headersTimeout) || isOver(passed, requestTimeout);
}

/** Milliseconds that a connection may idle. */
export function idleTimeout({ keepAliveTimeout, keepAliveTimeoutBuffer }: ServerSettings): number {
  return keepAliveTimeout === 0 ? 0 : keepAliveTimeout + keepAliveTimeoutBuffer;
}

/** A time-out of 0 is off. */
export function isOver(passed: number, timeout: number): boolean {
  return timeout > 0 && passed >= timeout;
}
