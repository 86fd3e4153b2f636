/**
 * Those who wait, in the order in which they came. It gives nobody anything: its owner knows when somebody's turn has come.
 * The owners are `Slots`, which bounds a number, and the pool of Python, which has workers.
 */

/** A queue whose operations cost the same however long it is. An item is in it once at most. */
export class WaitingLine<Item> {
  readonly #items = new Map<number, Item>();
  readonly #numbers = new Map<Item, number>();
  /** No item has a lower number. */
  #first = 0;
  /** The number of the next to come. */
  #next = 0;

  get length(): number {
    return this.#items.size;
  }

  /** Puts an item to the end. */
  add(item: Item): void {
    this.#put(item, this.#next);
    this.#next += 1;
  }

  /** Puts one back to the front, who has lost his place. */
  putBack(item: Item): void {
    this.#first -= 1;
    this.#put(item, this.#first);
  }

  /** Lets an item leave from wherever it is. @returns true if it was in the line */
  leave(item: Item): boolean {
    const number = this.#numbers.get(item);
    if (number === undefined) return false;
    this.#numbers.delete(item);
    return this.#items.delete(number);
  }

  /** Shows the first one. */
  peek(): Item | undefined {
    if (this.#items.size === 0) return undefined;
    while (!this.#items.has(this.#first)) this.#first += 1;
    return this.#items.get(this.#first);
  }

  /** Takes the first one. */
  take(): Item | undefined {
    const item = this.peek();
    if (item !== undefined) this.leave(item);
    return item;
  }

  /** Takes all, in order. */
  takeAll(): Item[] {
    const items: Item[] = [];
    for (let item = this.take(); item !== undefined; item = this.take()) items.push(item);
    return items;
  }

  #put(item: Item, number: number): void {
    this.#items.set(number, item);
    this.#numbers.set(item, number);
  }
}
