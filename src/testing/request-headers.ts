/** Field lines of a request, in the forms in which tests give them. */

import { describe } from '../gateway/describe.ts';
import { isFieldValue, isToken } from '../gateway/headers.ts';
import { ABOVE_OCTET } from '../gateway/native-string.ts';
import type { HeaderList } from '../wsgi.ts';

/** Field lines: pairs in order, a `Headers` of this package or of fetch, a Map, or an object. */
export type RequestHeaders =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string>>;

/**
 * Copies headers of any form to a new list.
 *
 * @throws TypeError if a name or a value is no string, or cannot be sent
 */
export function listHeaders(headers: RequestHeaders | undefined): HeaderList {
  if (headers === undefined) return [];
  // Callers in JavaScript may pass anything.
  if (typeof headers !== 'object' || headers === null)
    throw new TypeError(`Option headers must be pairs, a Headers, a Map or an object, not ${shown(headers)}`);
  const pairs: readonly unknown[] = isIterable(headers) ? [...headers] : Object.entries(headers);
  return pairs.map(checkPair);
}

function isIterable(headers: RequestHeaders): headers is Iterable<readonly [string, string]> {
  return Symbol.iterator in headers;
}

function checkPair(pair: unknown): [name: string, value: string] {
  if (!Array.isArray(pair) || pair.length !== 2)
    throw new TypeError(`Option headers must have [name, value] pairs, not ${shown(pair)}`);
  const [name, value]: readonly unknown[] = pair;
  if (typeof name !== 'string' || !isToken(name))
    throw new TypeError(`Name of a header must be a token such as Accept, not ${shown(name)}`);
  if (typeof value !== 'string')
    throw new TypeError(`Header ${name} must be a string, not ${shown(value)}${cure(value)}`);
  if (!isFieldValue(value)) {
    const isText = ABOVE_OCTET.test(value);
    const what = isText ? 'a character above U+00FF' : 'a control character';
    const cure = isText ? '; encodeNative(text) makes UTF-8 of it' : '';
    throw new TypeError(`Header ${name} has ${what}: ${shown(value)}${cure}`);
  }
  return [name, value];
}

function cure(value: unknown): string {
  if (Array.isArray(value)) return '; pass one [name, value] pair for each of them';
  return typeof value === 'number' || typeof value === 'boolean' ? `; pass '${value}'` : '';
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : describe(value);
}
