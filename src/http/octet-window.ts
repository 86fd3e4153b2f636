/**
 * A contiguous window of the octets that were received and not consumed yet.
 *
 * Rule 1: octets that arrive at an empty window are kept as a view. Others are copied into a buffer that doubles:
 *         linear time, even octet by octet. Lent octets stay a view until `keep`, and are given out as copies.
 * Rule 2: octets that were given out are never overwritten, so views of them stay valid.
 * Rule 3: no octet is searched twice for a line end.
 */
import { ProtocolError } from '../errors.ts';
import { findForbiddenOctet, type ProtocolErrorCode } from './grammar.ts';

const CR = 0x0d;
const LF = 0x0a;
/** Digits that fit a number without loss of precision. */
const MAX_HEXADECIMAL_DIGITS = 12;
const NO_DIGIT = 255;
const HEXADECIMAL_DIGITS: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) => {
  const digit = Number.parseInt(String.fromCharCode(octet), 16);
  return Number.isNaN(digit) ? NO_DIGIT : digit;
});
const EMPTY: Buffer = Buffer.alloc(0);
/** Octets that are decoded at once. Most heads are smaller, and a string is searched faster than a buffer. */
const DECODE_SIZE = 1024;
const LOOP_LIMIT = 96;

/** The rules for one kind of line. */
export interface LineKind {
  /** Matches a forbidden octet. */
  readonly forbidden: RegExp;
  /** Error code for a line that is too long. */
  readonly tooLong: ProtocolErrorCode;
}

/** Holds the octets that were received and not consumed yet. */
export class OctetWindow {
  #octets: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  /** End of the searched part of the line that begins at `#start`. */
  #scanned = 0;
  /** `#octets` was allocated here and may be written beyond `#end`. */
  #isOwned = false;
  /** `#octets` belongs to a caller that will overwrite it. */
  #isLent = false;
  /** The last decoded text, and where it begins: a batch of small requests is decoded once. */
  #text = '';
  #textStart = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** No octet of the line at the start was searched yet. */
  get isFresh(): boolean {
    return this.#scanned === this.#start;
  }

  /**
   * @param octets Begins with the new octets
   * @param length How many are new
   * @param isLent They will be overwritten after the next call of `keep`
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

  /** Copies the octets that are left, if they were lent. If none are left, lets go of all that were pushed. */
  keep(): void {
    if (this.#start === this.#end) this.clear();
    else if (this.#isLent) this.#grow(0);
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

  /** Gives up to `size` octets from the start as a native string; consumes none. */
  peek(size: number): string {
    return this.#octets.toString('latin1', this.#start, Math.min(this.#end, this.#start + size));
  }

  /** Gives the distance of a sequence from the start; -1 if it is missing. */
  indexOf(sequence: Buffer): number {
    const index = this.#octets.indexOf(sequence, this.#start);
    return index === -1 || index + sequence.length > this.#end ? -1 : index - this.#start;
  }

  skip(size: number): void {
    this.#start += size;
    this.#scanned = this.#start;
  }

  /** Consumes up to `size` octets; gives a view of them, or a copy if they are lent. */
  take(size: number): Buffer {
    const from = this.#start;
    this.skip(Math.min(size, this.length));
    return this.#isLent ? this.#copy(from, this.#start) : this.#octets.subarray(from, this.#start);
  }

  clear(): void {
    this.#octets = EMPTY;
    this.#start = 0;
    this.#end = 0;
    this.#scanned = 0;
    this.#isLent = false;
    this.#text = '';
  }

  /** Tells if the window begins with these octets. */
  startsWith(octets: Buffer): boolean {
    const { length } = octets;
    const from = this.#start;
    if (this.#end - from < length) return false;
    // A call into C++ costs as much as a loop over this many octets (Node 20).
    if (length > LOOP_LIMIT) return octets.compare(this.#octets, from, from + length) === 0;
    for (let index = 0; index < length; index += 1) {
      if (octets[index] !== this.#octets[from + index]) return false;
    }
    return true;
  }

  /** Copies `size` octets from the start. */
  copy(size: number): Buffer {
    return this.#copy(this.#start, this.#start + size);
  }

  /** Copies without a view of the octets, which would cost as much as the copy of a small request. */
  #copy(from: number, to: number): Buffer {
    const copy = Buffer.allocUnsafe(to - from);
    this.#octets.copy(copy, 0, from, to);
    return copy;
  }

  /**
   * Gives a native string in which the window begins at `textOffset`; consumes none.
   *
   * @param isFresh Decodes anew from the start, up to a limit; otherwise the last text is used again if possible
   */
  decode(isFresh: boolean): string {
    if (isFresh || this.#text === '' || this.textOffset >= this.#text.length) {
      this.#text = this.peek(DECODE_SIZE);
      this.#textStart = this.#start;
    }
    return this.#text;
  }

  /** Where the window begins in the last decoded text. */
  get textOffset(): number {
    return this.#start - this.#textStart;
  }

  /**
   * Consumes a line; gives it without its CRLF, or undefined if it is incomplete.
   *
   * A fault is found at its first octet, however the octets were cut.
   *
   * @param limit Octets that the line may have, CRLF included
   * @throws {@link ProtocolError} if the line is too long or has a forbidden octet
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
   * Consumes a line that has only hexadecimal digits, the usual line before a chunk.
   *
   * @returns the number; -1 for another or an incomplete line, which is not consumed
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

  /** Throws at a forbidden octet. Callers leave out a CR at the end, whose LF may follow. */
  #scanTo(end: number, { forbidden }: LineKind): void {
    const fault = findForbiddenOctet(this.#octets.toString('latin1', this.#scanned, end), forbidden);
    if (fault !== undefined) throw fault;
    this.#scanned = end;
  }
}
