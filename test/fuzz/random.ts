/**
 * Random numbers that a seed reproduces: the same seed and index give the same input on every Node version.
 */

/** A small, fast generator (mulberry32), good enough to choose among alternatives. */
export class Random {
  #state: number;

  /** @param index The number of the input; neighbours are unrelated */
  constructor(seed: number, index = 0) {
    this.#state = mix(mix(seed | 0) ^ Math.imul(index + 1, 0x9e3779b1));
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 4_294_967_296) * limit);
  }

  /** True once in `times`, on average. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** Picks one of several items. */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('There is nothing to pick from');
    return item;
  }

  /** Puts items into random order. */
  shuffle(items: unknown[]): void {
    for (let last = items.length - 1; last > 0; last -= 1) {
      const other = this.below(last + 1);
      [items[last], items[other]] = [items[other], items[last]];
    }
  }

  /** Cuts `length` octets into at most `pieces` parts; gives the ends of all parts. */
  cuts(length: number, pieces: number): number[] {
    const ends = new Set<number>([length]);
    for (let count = 1; count < pieces; count += 1) ends.add(this.below(length + 1));
    return [...ends].sort((one, other) => one - other);
  }
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
