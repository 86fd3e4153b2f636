/** Those who wait for a place, in the order in which they came. */

/** A queue whose operations cost the same however long it is. */
export class WaitingLine<Item> {
  #items: Item[] = [];
  /** The index of the first one. */
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  add(item: Item): void {
    this.#items.push(item);
  }

  /** Puts one back to the front, who has lost his place. */
  putBack(item: Item): void {
    if (this.#first > 0) {
      this.#first -= 1;
      this.#items[this.#first] = item;
    } else this.#items.unshift(item);
  }

  take(): Item | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#first];
    this.#first += 1;
    // The places of those who have gone are given up from time to time.
    if (this.#first > 1_000 || this.#first === this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Shows the first one. */
  peek(): Item | undefined {
    return this.#items[this.#first];
  }

  takeAll(): Item[] {
    const items = this.#items.slice(this.#first);
    this.#items = [];
    this.#first = 0;
    return items;
  }
}
