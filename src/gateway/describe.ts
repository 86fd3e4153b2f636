/** Describes values in error messages. */

/**
 * Names the type of a value.
 *
 * @example
 * describe([]); // 'an instance of Array'
 */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  if (value instanceof Promise) return 'a promise: await it';
  const { name } = value.constructor ?? {};
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an object';
}
