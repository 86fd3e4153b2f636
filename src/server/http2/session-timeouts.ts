/**
 * Decides what to do with a session, or a stream of it, on which nothing has moved for a while.
 *
 * As on a connection of HTTP/1.1 only the client is to blame: for a request that does not come, content that does not come,
 * and octets that it does not take. timeouts.ts has those rules.
 */
import type { ConnectionOwner } from '../connection-owner.ts';
import type { Phase } from '../phase.ts';
import { idleTimeout, isLate, isOver, NOT_NOTED } from '../timeouts.ts';
import type { Http2Sink } from './http2-sink.ts';

/** Milliseconds in which a client closes after the end. */
const FAREWELL = 1_000;

/** The state of a session that time-outs depend on. */
export interface TimedSession {
  readonly server: ConnectionOwner;
  readonly phase: Phase;
  readonly since: number;
  readonly closingSince: number | undefined;
  isStuck(now: number): boolean;
}

/**
 * Judges a session, and counts the verdict.
 *
 * @param now performance.now()
 * @returns `close`: end it by GOAWAY. `gone`: cut the connection
 */
export function judgeSession(session: TimedSession, now: number): 'wait' | 'close' | 'gone' {
  const { server, phase, since, closingSince } = session;
  const { settings, tally, shutdown } = server;
  const passed = now - since;
  if (session.isStuck(now)) {
    tally.timeouts.unresponsive += 1;
    return 'gone';
  }
  if (closingSince !== undefined) {
    const isOverdue = phase === 'closing' && now - Math.max(since, closingSince) >= FAREWELL;
    return isOverdue ? 'gone' : 'wait';
  }
  if (phase === 'fresh') {
    if (server.isStopping && passed >= settings.firstRequestGrace) return 'close';
    if (!isLate(passed, settings)) return 'wait';
    tally.timeouts.head += 1;
    return 'close';
  }
  if (phase !== 'idle') return 'wait';
  if (shutdown !== undefined && now - Math.max(since, shutdown.time) >= shutdown.idleGrace) return 'close';
  if (!isOver(passed, idleTimeout(settings))) return 'wait';
  tally.timeouts.idle += 1;
  return 'close';
}

/**
 * Judges a stream.
 *
 * @param now performance.now()
 * @returns `fail`: fail the waiting read of content. `gone`: reset the stream, or cut the connection
 */
export function judgeStream(exchange: Http2Sink, now: number): 'wait' | 'fail' | 'gone' {
  const { requestTimeout, writeTimeout } = exchange.settings;
  const { content } = exchange;
  if (exchange.endedAt === NOT_NOTED) exchange.endedAt = now;
  const { endedAt } = exchange;
  if (content.isAwaited && isOver(content.waited(now), requestTimeout)) return 'fail';
  // After the answer, requestTimeout bounds a reader that never goes on, too.
  const isReadOn = endedAt !== undefined && !content.isEnded && !content.hasFailed && !content.isReading;
  if (isReadOn && isOver(now - Math.max(endedAt, content.lastPull), requestTimeout)) return 'fail';
  return exchange.writer.isStuck(now, writeTimeout) ? 'gone' : 'wait';
}
