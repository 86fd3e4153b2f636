/**
 * What a recipient reads out of octets: the messages, where each ends, and why there are no more.
 *
 * Both parsers are put into this form; nothing here knows either.
 */

/** One request as a recipient understood it. Strings are native strings. */
export interface Message {
  readonly method: string;
  readonly target: string;
  /** Such as `1.1`, as the recipient treats it. */
  readonly version: string;
  /** Name, value, …; names in their own case. */
  readonly fields: readonly string[];
  readonly isPersistent: boolean;
  readonly isUpgrade: boolean;
  /** The content, chunked coding taken off; all that was given out, if the message has no end. */
  content: string;
  trailers: readonly string[];
  /** The octet after the message; undefined if its end was not reached. */
  end: number | undefined;
}

/**
 * Why there are no more messages.
 *
 * - `waiting`: more octets are needed, or may come.
 * - `refused`: the octets are wrong.
 * - `closed`: the last message ends the connection.
 * - `tunnel`: the last message ends HTTP on the connection.
 * - `crashed`: something else was thrown than a refusal.
 */
export type Ending = 'waiting' | 'refused' | 'closed' | 'tunnel' | 'crashed';

/** All that a recipient made of an input. */
export interface Reading {
  readonly messages: readonly Message[];
  readonly ending: Ending;
  /** The code of the refusal, or what was thrown; empty without. */
  readonly code: string;
  /** Octets that were consumed, or the one that was refused. */
  readonly at: number;
}

/** Where the message begins of which an index tells the number. */
export function startOf(reading: Reading, index: number): number {
  return index === 0 ? 0 : (reading.messages[index - 1]?.end ?? 0);
}
