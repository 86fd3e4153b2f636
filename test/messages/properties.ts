/** Describes an object by all of its properties, own and inherited, as text. */
import { inspect } from 'node:util';

/** Descriptions of properties, by name. */
export type PropertyTable = Record<string, string>;

/** Describes every named property of an object: its own, and those of its prototypes below Object's. */
export function describeProperties(object: object): PropertyTable {
  const seen: PropertyTable = {};
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

/** Gives the properties that differ between two tables. */
export function differingProperties(expected: PropertyTable, actual: PropertyTable): PropertyTable {
  const differing: PropertyTable = {};
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    if (expected[name] !== actual[name]) differing[name] = `${expected[name]} / ${actual[name]}`;
  }
  return differing;
}
