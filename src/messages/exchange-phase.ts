/**
 * The phases of an exchange; exchange.ts has the chart of them.
 *
 * - `calling`: the program is being called; nothing leaves.
 * - `waiting`: the gateway has a promise of a body.
 * - `streaming`: the gateway has an iterable, and the program goes on.
 * - `complete`: the program has ended its response; the gateway has all of it, or pulls the rest.
 * - `released`: the gateway wants no more, but the program goes on, as after HEAD.
 * - `passed`: an application answers in the program's place (successor.ts); what the program writes goes nowhere.
 * - `finishing`: everything has gone; callbacks of `end()` run.
 * - `finished`: 'finish' was emitted. Only the request may still be read.
 * - `closed`: the exchange ended without 'finish': cut, lost or failed.
 */
export type Phase =
  | 'calling'
  | 'waiting'
  | 'streaming'
  | 'complete'
  | 'released'
  | 'passed'
  | 'finishing'
  | 'finished'
  | 'closed';

/** Tells if nothing more happens to the response. */
export function isOver(phase: Phase): boolean {
  return phase === 'finishing' || phase === 'finished' || phase === 'closed';
}
