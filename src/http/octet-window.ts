/**
 * The octets that were received and not consumed yet, as one contiguous window.
 *
 * Rule 1: what arrives at an empty window is kept as a view. Only what arrives at one that still holds octets is
 *         copied, into an allocation that doubles: linear time, even octet by octet. Octets that are only lent are
 *         kept as a view until `keep`, and given out as copies.
 * Rule 2: octets that were given out are never written again, so that views of them stay as they are.
 * Rule 3: no octet is searched twice for the end of a line.
 */
import { ProtocolError } from '../errors.ts';
import { findForbiddenOctet, type ProtocolErrorCode } from './grammar.ts';

const CR = 0x0d;
const LF = 0x0a;
/** Digits that make a number without loss of precision. */
const MAX_HEXADECIMAL_DIGITS = 12;
const NO_DIGIT = 255;
const HEXADECIMAL_DIGITS: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) => {
  const digit = Number.parseInt(String.fromCharCode(octet), 16);
  return Number.isNaN(digit) ? NO_DIGIT : digit;
});
const EMPTY: Buffer = Buffer.alloc(0);
/** Octets that are decoded at once: most heads are smaller, and to search a text is faster than to search a buffer. */
const DECODE_SIZE = 1024;
const LOOP_LIMIT = 96;

/** What a line is read as. */
export interface LineKind {
  /** Matches an octet that must not stand in it. */
  readonly forbidden: RegExp;
  /** The code of the error if it is too long. */
  readonly tooLong: ProtocolErrorCode;
}

/** The octets that were received and not consumed yet. */
export class OctetWindow {
  #octets: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  /** Up to where the line that begins at `#start` was searched. */
  #scanned = 0;
  /** Whether `#octets` was allocated here, and may be written beyond `#end`. */
  #isOwned = false;
  /** Whether `#octets` is somebody else's, who is going to write it anew. */
  #isLent = false;
  /** What was decoded last, and where it begins: a batch of small requests is decoded once. */
  #text = '';
  #textStart = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Whether the octets at the start were not looked at yet. */
  get isFresh(): boolean {
    return this.#scanned === this.#start;
  }

  /**
   * @param octets Begins with what has arrived
   * @param length How many octets have
   * @param isLent Whether they are overwritten after the next call of `keep`
   */
  push(octets: Buffer, length: number = octets.length, isLent = false): void {
    if (this.#start === this.#end) {
      this.#octets = octets;
      this.#start = 0;
      this.#scanned = 0;
      this.#end = length;
      this.#isOwned = false;
      this.#isLent = isLent;
      this.#text = '';
      return;
    }
    if (!this.#isOwned || this.#octets.length - this.#end < length) this.#grow(length);
    this.#octets.set(length === octets.length ? octets : octets.subarray(0, length), this.#end);
    this.#end += length;
  }

  /** Makes the octets that are left its own, if they were lent. */
  keep(): void {
    if (!this.#isLent) return;
    if (this.#start === this.#end) this.clear();
    else this.#grow(0);
  }

  #grow(size: number): void {
    const { length } = this;
    const grown = Buffer.allocUnsafe((length + size) * 2);
    grown.set(this.#octets.subarray(this.#start, this.#end));
    this.#octets = grown;
    this.#text = '';
    this.#scanned -= this.#start;
    this.#start = 0;
    this.#end = length;
    this.#isOwned = true;
    this.#isLent = false;
  }

  /** Gives up to `size` octets from the start as a native string, and consumes none. */
  peek(size: number): string {
    return this.#octets.toString('latin1', this.#start, Math.min(this.#end, this.#start + size));
  }

  /** Gives the distance of a sequence from the start; -1 if it is not there. */
  indexOf(sequence: Buffer): number {
    const index = this.#octets.indexOf(sequence, this.#start);
    return index === -1 || index + sequence.length > this.#end ? -1 : index - this.#start;
  }

  skip(size: number): void {
    this.#start += size;
    this.#scanned = this.#start;
  }

  /** Consumes up to `size` octets, and gives a view of them, or a copy if they are lent. */
  take(size: number): Buffer {
    const from = this.#start;
    this.skip(Math.min(size, this.length));
    const view = this.#octets.subarray(from, this.#start);
    return this.#isLent ? Buffer.from(view) : view;
  }

  clear(): void {
    this.#octets = EMPTY;
    this.#start = 0;
    this.#end = 0;
    this.#scanned = 0;
    this.#isLent = false;
    this.#text = '';
  }

  /** Whether the window begins with these octets. */
  startsWith(octets: Buffer): boolean {
    const { length } = octets;
    const from = this.#start;
    if (this.#end - from < length) return false;
    // A call into native code costs as much as a loop over so many octets (Node 20).
    if (length > LOOP_LIMIT) return octets.compare(this.#octets, from, from + length) === 0;
    for (let index = 0; index < length; index += 1) {
      if (octets[index] !== this.#octets[from + index]) return false;
    }
    return true;
  }

  /** Gives a copy of so many octets from the start. */
  copy(size: number): Buffer {
    return Buffer.from(this.#octets.subarray(this.#start, this.#start + size));
  }

  /**
   * Gives octets from before the start or from the start on as a native string, and consumes none.
   *
   * @param isFresh Whether it has to begin at the start, with as many octets as there are, up to a limit
   */
  decode(isFresh: boolean): string {
    if (isFresh || this.#text === '' || this.textOffset >= this.#text.length) {
      this.#text = this.peek(DECODE_SIZE);
      this.#textStart = this.#start;
    }
    return this.#text;
  }

  /** Where the window begins in the text that was decoded last. */
  get textOffset(): number {
    return this.#start - this.#textStart;
  }

  /**
   * Consumes a line, and gives it without its CRLF; nothing if it is not whole yet.
   *
   * A fault is found with the first octet that makes it one, however the octets were cut.
   *
   * @param limit Octets that the line may have, CRLF included
   * @throws {@link ProtocolError} if the line is too long, or an octet must not stand in it
   */
  takeLine(limit: number, kind: LineKind): string | undefined {
    const end = Math.min(this.#end, this.#start + limit);
    const lineFeed = this.#octets.subarray(0, end).indexOf(LF, this.#scanned);
    if (lineFeed === -1) {
      this.#scanTo(this.#octets[end - 1] === CR && end > this.#scanned ? end - 1 : end, kind);
      if (this.length >= limit) throw new ProtocolError(kind.tooLong);
      return undefined;
    }
    const isWhole = lineFeed > this.#start && this.#octets[lineFeed - 1] === CR;
    this.#scanTo(isWhole ? lineFeed - 1 : lineFeed + 1, kind);
    const line = this.#octets.toString('latin1', this.#start, lineFeed - 1);
    this.skip(lineFeed + 1 - this.#start);
    return line;
  }

  /**
   * Consumes a line of hexadecimal digits and nothing else, the usual line before a chunk.
   *
   * @returns the number; -1, and nothing is consumed, if the line is another one or not whole yet
   */
  takeHexadecimal(): number {
    let value = 0;
    let index = this.#start;
    const end = Math.min(this.#end - 2, index + MAX_HEXADECIMAL_DIGITS);
    for (; index < end; index += 1) {
      const digit = HEXADECIMAL_DIGITS[this.#octets[index] ?? 0] ?? NO_DIGIT;
      if (digit === NO_DIGIT) break;
      value = value * 16 + digit;
    }
    if (index === this.#start || this.#octets[index] !== CR || this.#octets[index + 1] !== LF) return -1;
    this.skip(index + 2 - this.#start);
    return value;
  }

  /** Looks for octets that must not stand in the line; a CR that is the last octet waits for its LF. */
  #scanTo(end: number, { forbidden }: LineKind): void {
    const fault = findForbiddenOctet(this.#octets.toString('latin1', this.#scanned, end), forbidden);
    if (fault !== undefined) throw fault;
    this.#scanned = end;
  }
}
