/**
 * What can be seen of an object by looking at all of its properties: own and inherited, by name and by type.
 */
import { inspect } from 'node:util';

/** A property, by its name, told in words. */
export type Appearance = Record<string, string>;

/** Looks at every property of an object that has a name, own ones and those of the prototypes below Object's. */
export function appearanceOf(object: object): Appearance {
  const seen: Appearance = {};
  for (let holder = object; holder !== Object.prototype; holder = Object.getPrototypeOf(holder)) {
    for (const name of Object.getOwnPropertyNames(holder)) seen[name] ??= describeProperty(object, name);
  }
  return seen;
}

function describeProperty(object: object, name: string): string {
  try {
    return describe(Reflect.get(object, name));
  } catch (error) {
    return `throws ${(error as NodeJS.ErrnoException).code}`;
  }
}

function describe(value: unknown): string {
  if (typeof value === 'function') return `function of ${value.length}`;
  if (typeof value !== 'object' || value === null) return inspect(value);
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype || Array.isArray(value)) {
    return inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY, sorted: true });
  }
  return `an object of ${prototype.constructor.name}`;
}

/** Which properties of two objects do not look the same. */
export function differingProperties(expected: Appearance, actual: Appearance): Appearance {
  const differing: Appearance = {};
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    if (expected[name] !== actual[name]) differing[name] = `${expected[name]} / ${actual[name]}`;
  }
  return differing;
}
