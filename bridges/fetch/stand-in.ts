/**
 * Makes a class of ours pass as one of the runtime's: `instanceof` holds, and members that our class lacks, also those that a
 * later runtime adds, are answered by a real object, which is made for that.
 *
 * The runtime's own methods refuse objects that its constructor has not made, so no member may be inherited as it is.
 */

/**
 * Puts a prototype in front of one of the runtime's.
 *
 * @param own The prototype of our class
 * @param real The prototype of the runtime's class
 * @param realOf Gives the real object behind one of ours
 */
export function standInFor<Own extends object>(own: Own, real: object, realOf: (self: Own) => object): void {
  for (const key of Reflect.ownKeys(real)) {
    if (Object.hasOwn(own, key)) continue;
    const member = Object.getOwnPropertyDescriptor(real, key);
    if (member?.get !== undefined) {
      const get = function (this: Own): unknown {
        return Reflect.get(realOf(this), key);
      };
      Object.defineProperty(own, key, { get, enumerable: member.enumerable === true, configurable: true });
    } else if (typeof member?.value === 'function') {
      const call = function (this: Own, ...values: unknown[]): unknown {
        const object = realOf(this);
        return Reflect.apply(Reflect.get(object, key), object, values);
      };
      Object.defineProperty(own, key, { ...member, value: call });
    }
  }
  Object.setPrototypeOf(own, real);
}
