/**
 * Warns of slow requests and of a blocked event loop.
 *
 * A request is slow by the time until its response begins: what comes later may wait for the client. It is told twice if it
 * goes on for long: that it waits, and how it went on.
 */

import { checkOptions } from '../gateway/check-options.ts';
import { standardErrors } from '../gateway/error-stream.ts';
import { logLine, logOf, type RequestLog } from '../gateway/failure-log.ts';
import { Line, type Place } from '../gateway/line.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import { lateModule } from '../node-internals/index.ts';
import type { Environ, ErrorStream } from '../wsgi.ts';
import { observe } from './observe.ts';

/** The options of `warnOfSlowness`. */
export const SLOWNESS_OPTIONS = {
  /** A request whose response takes so many milliseconds to begin is told to its `wsgi.errors`; 0 for none. */
  slowRequest: { type: 'milliseconds', default: 5_000 },
  /** An event loop that is held up for so many milliseconds at a time is told to `errors`, at most once a second; 0 for none. */
  eventLoopDelay: { type: 'milliseconds', default: 500 },
  /** Takes the warnings of the event loop, as `wsgi.errors` does. By default it is standard error. */
  errors: { type: 'object' },
} as const;

/** Options of {@link warnOfSlowness}. */
export interface SlownessOptions extends OptionsOf<typeof SLOWNESS_OPTIONS> {
  readonly errors?: ErrorStream | undefined;
}

/** Milliseconds between two looks at the event loop, and at most between two at the requests. */
const INTERVAL = 1_000;

/** Milliseconds. Each sample of the delay has this time in it. */
const RESOLUTION = 10;

/**
 * Warns of slow requests of all gateways of the process, and of a blocked event loop.
 *
 * @returns a function that ends it
 * @throws TypeError or RangeError if an option is wrong
 * @example
 * const stop = warnOfSlowness({ slowRequest: 2_000, eventLoopDelay: 200 });
 */
export function warnOfSlowness(options: SlownessOptions = {}): () => void {
  checkOptions(options, SLOWNESS_OPTIONS);
  const { slowRequest, eventLoopDelay } = settingsOf(SLOWNESS_OPTIONS, options);
  const stops = [
    ...(slowRequest > 0 ? [watchRequests(slowRequest)] : []),
    ...(eventLoopDelay > 0 ? [watchEventLoop(eventLoopDelay, options.errors ?? standardErrors)] : []),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** A request whose response has not begun. */
interface Waiting {
  readonly log: RequestLog;
  /** By performance.now(). */
  readonly since: number;
  isTold: boolean;
}

function watchRequests(limit: number): () => void {
  const waiting = new Line<Waiting>();
  const places = new WeakMap<Environ, Place<Waiting>>();
  const settle = (environ: Environ, outcome: string): void => {
    const place = places.get(environ);
    if (place?.leave() !== true) return;
    places.delete(environ);
    const request = place.member;
    const passed = performance.now() - request.since;
    if (passed >= limit) logLine(request.log, `Slow request: ${outcome} after ${Math.round(passed)} ms`);
  };
  const check = (): void => {
    const now = performance.now();
    for (const request of waiting.members()) {
      const passed = now - request.since;
      // The line has the oldest first.
      if (passed < limit) return;
      if (!request.isTold)
        logLine(request.log, `Slow request: no response yet after ${Math.round(passed)} ms`);
      request.isTold = true;
    }
  };
  const clock = setInterval(check, Math.min(limit, INTERVAL)).unref();
  const stops = [
    observe('gatebridge.request.start', ({ environ }) => {
      places.set(environ, waiting.add({ log: logOf(environ), since: performance.now(), isTold: false }));
    }),
    observe('gatebridge.request.head', ({ environ, status }) => settle(environ, status)),
    observe('gatebridge.request.finish', ({ environ }) => settle(environ, 'ended without a response')),
  ];
  return () => {
    clearInterval(clock);
    for (const stop of stops) stop();
  };
}

function watchEventLoop(limit: number, errors: ErrorStream): () => void {
  const delays = lateModule('node:perf_hooks').monitorEventLoopDelay({ resolution: RESOLUTION });
  delays.enable();
  const clock = setInterval(() => {
    const longest = delays.max / 1e6 - RESOLUTION;
    delays.reset();
    if (longest >= limit) logLine({ errors }, `The event loop was blocked for ${Math.round(longest)} ms`);
  }, INTERVAL).unref();
  return () => {
    clearInterval(clock);
    delays.disable();
  };
}
