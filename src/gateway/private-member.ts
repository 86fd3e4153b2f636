/**
 * Keeps a value with an object that others have made, such as the socket of a host or a request of node.
 *
 * The object gets a private member: no code can list, copy or log it. A WeakMap would do so too, but a map that stays refers to the values of
 * objects that are dead, and they to the objects, until the next full collection; each collection of young objects then copies them (V8).
 */

/** A constructor that gives its argument, so that a derived class adds its private members to any object. */
const Given = function given(object: object): object {
  return object;
  // In TypeScript only a class is a constructor.
} as unknown as new (
  object: object,
) => object;

/** A member that objects may have. */
export interface PrivateMember<Value> {
  /** Gives the value; undefined if the object has none. */
  get(object: object): Value | undefined;
  set(object: object, value: Value): void;
}

/** Makes a member. It is another one at each call. */
export function privateMember<Value>(): PrivateMember<Value> {
  class Marked extends Given {
    #value: Value;

    constructor(object: object, value: Value) {
      super(object);
      this.#value = value;
    }

    static get(object: object): Value | undefined {
      return #value in object ? object.#value : undefined;
    }

    static set(object: object, value: Value): void {
      if (#value in object) object.#value = value;
      else new Marked(object, value);
    }
  }
  return Marked;
}
