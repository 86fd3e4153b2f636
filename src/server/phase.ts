/** The phases of a connection. connection.ts has the chart that they are the states of. */

/** A phase of a connection. */
export type Phase =
  | 'fresh'
  | 'idle'
  | 'head'
  | 'serving'
  | 'answered'
  | 'reading'
  | 'draining'
  | 'ready'
  | 'closing'
  | 'lingering'
  | 'reported'
  | 'cut'
  | 'closed';

/**
 * The use that a connection has for octets: it parses them at once, lets them wait, throws content away, throws
 * everything away, or leaves the socket to somebody else.
 */
export type Appetite = 'now' | 'later' | 'drain' | 'discard' | 'none';

const APPETITES: Readonly<Record<Phase, Appetite>> = {
  fresh: 'now',
  idle: 'now',
  head: 'now',
  serving: 'later',
  answered: 'later',
  reading: 'later',
  draining: 'drain',
  ready: 'later',
  closing: 'discard',
  lingering: 'discard',
  reported: 'none',
  cut: 'none',
  closed: 'none',
};

/**
 * Gives the use that a connection has for octets.
 *
 * @param phase The phase of the connection
 * @param isReading The application waits for content
 */
export function appetiteIn(phase: Phase, isReading: boolean): Appetite {
  const appetite = APPETITES[phase];
  return isReading && appetite === 'later' ? 'now' : appetite;
}

/** Tells if nothing is served any more. */
export function isEnding(phase: Phase): boolean {
  const appetite = APPETITES[phase];
  return appetite === 'discard' || appetite === 'none';
}
