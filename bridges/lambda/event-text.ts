/**
 * Reads members of an event, which is JSON of a platform, and makes text of them that a request can have.
 *
 * Rule 1: an event may lack anything and may have anything: null in the place of an object, numbers as text. Nothing
 *         here throws.
 * Rule 2: the result is a native string. Text of an event is characters, which had been octets of UTF-8.
 */
import { encodeNative } from '../../src/index.ts';

/** An object of an event. */
export type Members = Readonly<Record<string, unknown>>;

/** Gives the members of a value; none if it is no object. */
export function membersOf(value: unknown): Members {
  // An array or another object without these members gives undefined for each, too.
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

/** Gives a text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Gives the values of a header or a parameter: a text, a number or a list of them. Null is none, and so is an object. */
export function valuesIn(value: unknown): string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  // An object of JSON may have a member `toString`, and a deep list overflows the stack.
  return values.filter((one) => one !== undefined && one !== null && typeof one !== 'object').map(String);
}

/** Gives the octets of text in UTF-8, as a native string. */
export function toNative(text: string): string {
  return NOT_ASCII.test(text) ? encodeNative(text.replace(LONE_SURROGATE, '\ufffd')) : text;
}

const NOT_ASCII = /[^\0-\x7f]/;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * Escapes the characters of a path that a request target cannot have, and puts a slash in front if there is none.
 *
 * @param isDecoded The platform has decoded the path: `%` is a character like others, and must not be decoded again
 */
export function escapePath(path: string, isDecoded: boolean): string {
  const escaped = toNative(path).replace(isDecoded ? NOT_IN_DECODED : NOT_IN_PATH, escapeOctet);
  return escaped.startsWith('/') ? escaped : `/${escaped}`;
}

/** Escapes the characters of a query that a request target cannot have. */
export function escapeQuery(query: string): string {
  return toNative(query).replace(NOT_IN_QUERY, escapeOctet);
}

const NOT_IN_PATH = /[^\x21-\x7e]|\?/g;
const NOT_IN_DECODED = /[^\x21-\x7e]|[?#%]/g;
const NOT_IN_QUERY = /[^\x21-\x7e]/g;

function escapeOctet(octet: string): string {
  return `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * Joins parameters to a query.
 *
 * @param parameters Values, or lists of them, by name
 * @param isDecoded The platform has decoded them
 */
export function joinQuery(parameters: unknown, isDecoded: boolean): string {
  const encode = isDecoded ? encodeParameter : String;
  const pairs = Object.entries(membersOf(parameters)).flatMap(([name, value]) => {
    return valuesIn(value).map((one) => `${encode(name)}=${encode(one)}`);
  });
  return escapeQuery(pairs.join('&'));
}

function encodeParameter(text: string): string {
  return encodeURIComponent(text.replace(LONE_SURROGATE, '\ufffd'));
}
