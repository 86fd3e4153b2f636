/**
 * A reading of octets by a recipient: the messages, where each ends, and why there are no more.
 *
 * The results of both parsers have this form; nothing here knows the parsers.
 */

/** One request as a recipient understood it. Strings are native strings. */
export interface Message {
  readonly method: string;
  readonly target: string;
  /** Such as `1.1`, as the recipient treats it. */
  readonly version: string;
  /** Name, value, …; names as received. */
  readonly fields: readonly string[];
  readonly isPersistent: boolean;
  readonly isUpgrade: boolean;
  /** The content without chunked coding, as far as it was given out. */
  content: string;
  trailers: readonly string[];
  /** The position after the message; undefined if its end was not reached. */
  end: number | undefined;
}

/**
 * Why there are no more messages.
 *
 * - `waiting`: more octets are needed, or may come.
 * - `refused`: the octets are wrong.
 * - `closed`: the last message ends the connection.
 * - `tunnel`: the last message ends HTTP on the connection.
 * - `crashed`: the parser threw another error than a refusal.
 */
export type Ending = 'waiting' | 'refused' | 'closed' | 'tunnel' | 'crashed';

/** Everything that a recipient read from an input. */
export interface Reading {
  readonly messages: readonly Message[];
  readonly ending: Ending;
  /** The code of the refusal, or the other error as text; otherwise empty. */
  readonly code: string;
  /** The number of octets consumed, or the position of the refused one. */
  readonly at: number;
}

/** The position at which the message of this index begins. */
export function startOf(reading: Reading, index: number): number {
  return index === 0 ? 0 : (reading.messages[index - 1]?.end ?? 0);
}
