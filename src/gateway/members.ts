import { Line, type Place } from './line.ts';

/**
 * A set of objects that come and go while their set stays, in the order in which they came. It has the methods of a Set, and keeps none
 * that has left alive: see line.ts.
 */
export class Members<Member extends object> implements Iterable<Member> {
  readonly #line = new Line<Member>();
  readonly #places = new WeakMap<Member, Place<Member>>();

  get size(): number {
    return this.#line.length;
  }

  /** Adds a member, unless it is one. */
  add(member: Member): void {
    if (!this.#places.has(member)) this.#places.set(member, this.#line.add(member));
  }

  /** Lets a member leave. @returns true if it was one */
  delete(member: Member): boolean {
    const place = this.#places.get(member);
    return place !== undefined && this.#places.delete(member) && place.leave();
  }

  /** The first member. */
  get first(): Member | undefined {
    return this.#line.peek();
  }

  /** Gives the members of now: it does not matter who comes or leaves meanwhile. */
  [Symbol.iterator](): IterableIterator<Member> {
    return this.#line.members().values();
  }
}
