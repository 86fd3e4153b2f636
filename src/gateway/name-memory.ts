/**
 * Strings that come again and again, and the form in which they are kept.
 *
 * V8 joins strings to a tree of the parts, and a part that is cut out keeps the whole alive, from 13 characters on. That
 * is fine for what is used once. What is kept is made one piece first: to send a tree takes 15 ns for each node, every
 * time (of a pipelined hello request 0.1 of 1.0 µs; Node 20), and a field value may be cut out of megabytes.
 */

/** A part of a string that is shorter than this is a string of its own (V8). */
const SHORTEST_PART = 13;

/** A value that has changed so often is not one that repeats: an ETag, a cookie. To keep one takes 0.3 µs. */
const MAX_CHANGES = 16;

/** Characters; Content-Security-Policy is the longest that is usual. */
const MAX_LENGTH = 1024;

/**
 * Gives the same string, on its own and in one piece.
 *
 * @param text A native string
 */
export function inOnePiece(text: string): string {
  return text.length < SHORTEST_PART ? text : Buffer.from(text, 'latin1').toString('latin1');
}

/** The value that a field had last, as long as it does not change too often. */
export class LastValue {
  #value = '';
  #changes = 0;

  /** What is remembered; empty at first. */
  get value(): string {
    return this.#value;
  }

  /**
   * Remembers another value.
   *
   * @param value A native string
   * @returns whether it is remembered
   */
  change(value: string): boolean {
    if (this.#changes >= MAX_CHANGES || value.length > MAX_LENGTH) return false;
    this.#changes += 1;
    this.#value = inOnePiece(value);
    return true;
  }
}
