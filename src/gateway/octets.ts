/** Octets of any realm. */

/** Tells if a value is a Uint8Array, also of another realm: Jest and `vm` have one of their own. */
export function isOctets(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true;
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]';
}
