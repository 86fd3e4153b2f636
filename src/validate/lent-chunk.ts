/**
 * A chunk whose memory is lent to the server until the next chunk is asked for, or the promise of write has settled.
 *
 * The server gets a copy, and another copy stays here. So it shows who has changed the memory.
 */
import type { Reporter } from './reporter.ts';

/** A chunk that the server may still refer to. */
export class LentChunk {
  /** The copy for the server. */
  readonly given: Uint8Array;
  readonly #original: Uint8Array;
  readonly #kept: Uint8Array;

  constructor(chunk: Uint8Array) {
    this.#original = chunk;
    this.given = copy(chunk);
    this.#kept = copy(chunk);
  }

  /**
   * Ends the loan: the application may use the memory again.
   *
   * @param how The way to report what was changed
   */
  takeBack(reporter: Reporter, how: 'result' | 'late'): void {
    const isKept = equals(this.#original, this.#kept);
    const isUnchanged = equals(this.given, this.#kept);
    if (reporter.reusesMemory) this.given.fill(OVERWRITTEN);
    const found = `a chunk of ${this.#kept.length} octets was changed before`;
    if (!isKept) reporter[how]('body-231-memory-kept', found);
    if (!isUnchanged) reporter[how]('body-231-memory-unchanged', found);
  }
}

/** The letter X: seen at once in a text. */
const OVERWRITTEN = 0x58;

/** Copies octets; a Buffer stays one. `Buffer.prototype.slice` would not copy. */
function copy(octets: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(octets);
}

function equals(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index += 1) {
    if (one[index] !== other[index]) return false;
  }
  return true;
}
