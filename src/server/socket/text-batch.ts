/**
 * Turns the small contents of a batch of responses into text together.
 *
 * Turning octets into a string is a call into C++, which is a good part of a pipelined hello request (Node 20). So
 * contents are copied one behind another, turned into one string, and cut apart again, for which V8 copies nothing.
 *
 * Rule 1: one batch at a time. A batch is sent before another connection gets a turn, but an application may answer
 *         on one connection during the batch of another: `add` then returns false.
 * Rule 2: octets are copied when they are added, because the application may overwrite them.
 */
import { Buffer } from 'node:buffer';

/** As much as Output holds back. */
const SIZE = 65_536;

/** Octets up to which a loop is cheaper than a call into C++ (Node 20). */
const LOOP_LIMIT = 48;

/** Small contents, each with the text before it. */
class TextBatch {
  #owner: object | undefined;
  readonly #octets = Buffer.allocUnsafeSlow(SIZE);
  /** The text before each content. */
  readonly #texts: string[] = [];
  /** Where each content ends. */
  readonly #ends: number[] = [];
  #count = 0;
  #length = 0;

  /**
   * Adds text and the content that follows it.
   *
   * @param owner The output whose batch it is
   * @returns false if there is no room, or the batch is another's
   */
  add(owner: object, text: string, content: Uint8Array): boolean {
    const { length } = content;
    const start = this.#length;
    const end = start + length;
    if ((this.#owner !== owner && this.#owner !== undefined) || end > SIZE) return false;
    const octets = this.#octets;
    if (length > LOOP_LIMIT) octets.set(content, start);
    else for (let index = 0; index < length; index += 1) octets[start + index] = content[index] ?? 0;
    this.#owner = owner;
    this.#texts[this.#count] = text;
    this.#ends[this.#count] = end;
    this.#count += 1;
    this.#length = end;
    return true;
  }

  /** Takes out the text of an owner; empty if there is none. */
  take(owner: object): string {
    if (this.#owner !== owner) return '';
    const contents = this.#octets.toString('latin1', 0, this.#length);
    let joined = '';
    let start = 0;
    for (let index = 0; index < this.#count; index += 1) {
      const end = this.#ends[index] ?? start;
      joined += this.#texts[index] + contents.slice(start, end);
      this.#texts[index] = '';
      start = end;
    }
    this.#owner = undefined;
    this.#count = 0;
    this.#length = 0;
    return joined;
  }
}

/** Shared by all connections. */
export const batch: TextBatch = new TextBatch();
