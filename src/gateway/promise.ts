/** Promises that applications and hosts give: of this realm or another, of a library, or any object with `then`. */

/** Tells if `await` would wait for a value. Throws what the getter of a `then` throws. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> & Promise<T> {
  const hasMembers = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return hasMembers && 'then' in value && typeof value.then === 'function';
}

/**
 * Gives a promise that settles as `await` would see it, also if `then` throws, or resolves with another promise.
 *
 * Never throws, and nor does the `then` of the promise that it gives. A promise of the language is given back as it is.
 */
export function toPromise<T>(value: PromiseLike<T>): Promise<T> {
  return isOrdinary(value) ? value : new Promise((resolve) => resolve(value));
}

const { then: ordinaryThen } = Promise.prototype;

function isOrdinary<T>(value: PromiseLike<T>): value is Promise<T> {
  try {
    return value instanceof Promise && value.constructor === Promise && value.then === ordinaryThen;
  } catch {
    return false;
  }
}
