/** Ends the waiting for an application that does not answer. */
import { toApplication } from '../gateway/application.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';
import { TimedRun } from './timed-run.ts';

/** The options of `timeout`. */
export const TIMEOUT_OPTIONS = {
  /** The first octet of content, or the end, comes within so many milliseconds. */
  response: { type: 'milliseconds', default: 30_000 },
  /** Each further chunk comes so many milliseconds after it was asked for. */
  chunk: { type: 'milliseconds', isUnlimited: true },
  /** The status of the response if nothing has been sent yet. */
  status: { type: 'count', default: 503, least: 400, most: 599 },
} as const;

/** Options of {@link timeout}. */
export interface TimeoutOptions extends OptionsOf<typeof TIMEOUT_OPTIONS> {}

/**
 * Answers 503 if an asynchronous application does not begin in time, and cuts the response off if it stops in the middle.
 *
 * The signal of `environ['gateway.signal']` is aborted then, with a `TimeoutError`; a later `startResponse` throws it, `write`
 * rejects with it, and a later body is closed. A synchronous application cannot be interrupted.
 *
 * @param options The times and the status
 * @throws TypeError or RangeError if an option is wrong
 * @example
 * const site = timeout({ response: 10_000, chunk: 60_000 })(application);
 */
export function timeout(options: TimeoutOptions = {}): Middleware {
  checkLayerOptions(options, TIMEOUT_OPTIONS, { likely: 'response' });
  const settings = settingsOf(TIMEOUT_OPTIONS, options);
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const run = new TimedRun({ environ, startResponse, settings });
      return run.take(inner(run.environ, run.startResponse));
    };
  };
}
