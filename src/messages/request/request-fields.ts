/**
 * Makes `req.rawHeaders` from an environ.
 *
 * The environ is the request: what middleware has changed there counts. A key is changed if it is not what the gateway
 * makes of the received lines (`gateway.raw_headers`). Its value then stands for all lines of that name; all other
 * lines are shown as they were received. Without received lines all of them are rebuilt from the keys.
 */
import { isFresh } from '../../gateway/direct-call.ts';
import { type FieldChanges, type FieldIdentity, rewriteLines, valuesOf } from '../../gateway/field-lines.ts';
import { COOKIE_SEPARATOR, fieldRules, hasUnderscores, LIST_SEPARATOR } from '../../gateway/field-rules.ts';
import { originOf } from '../../gateway/uri.ts';
import type { Environ } from '../../wsgi.ts';

/** Gives `req.rawHeaders`: name, value, name, value, … The received lines themselves if nothing has changed. */
export function rawHeaders(environ: Readonly<Environ>): string[] {
  const received = environ['gateway.raw_headers'];
  if (!Array.isArray(received)) return rewriteLines([], valuesByKey(environ), BY_HYPHENED_KEY);
  if (isFresh(environ) && environ.REQUEST_URI?.charCodeAt(0) === SLASH) return received;
  return isUntouched(environ, received) ? received : applyChanges(environ, received);
}

/**
 * Compares the lines with the environ, mostly by the identity of strings. Allocates nothing.
 *
 * @returns false if something has changed, or if only {@link applyChanges} can tell
 */
function isUntouched(environ: Readonly<Environ>, lines: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const { key, kind } = fieldRules.get(lines[index] ?? '');
    if (kind === 'drop') continue;
    if (environ[key] !== lines[index + 1]) return false;
    count += 1;
  }
  if (environ.CONTENT_TYPE !== undefined) count -= 1;
  if (environ.CONTENT_LENGTH !== undefined) count -= 1;
  for (const key in environ) if (isFieldKey(key)) count -= 1;
  return count === 0 && environ.REQUEST_URI?.charCodeAt(0) === SLASH;
}

const SLASH = 0x2f;
const CAPITAL_H = 0x48;
const UNDERSCORE = 0x5f;

/** Checks for `HTTP_`, which of all keys only `HTTPS` resembles. */
function isFieldKey(key: string): boolean {
  return key.charCodeAt(0) === CAPITAL_H && key.charCodeAt(4) === UNDERSCORE && key.startsWith('HTTP_');
}

function applyChanges(environ: Readonly<Environ>, lines: string[]): string[] {
  const changes = findChanges(environ, lines);
  const length = changes.get('CONTENT_LENGTH');
  if (length !== undefined) {
    // RFC 9112 §6.2: a message has one of the two. Content whose length middleware has removed is read to its end.
    if (length.length > 0) changes.set('HTTP_TRANSFER_ENCODING', []);
    else if (environ['wsgi.input_terminated'] === true && environ.HTTP_TRANSFER_ENCODING === undefined)
      changes.set('HTTP_TRANSFER_ENCODING', ['chunked']);
  }
  if (changes.size === 0) return lines;
  return rewriteLines(lines, changes, hasUnderscores(lines) ? BY_KEY : BY_HYPHENED_KEY);
}

/** The values that the gateway makes of the lines of one key. */
interface Expected {
  /** Joined from all lines. */
  all: string;
  /** Joined from the lines without `_` in their names; undefined if there are none. */
  hyphened: string | undefined;
}

function findChanges(environ: Readonly<Environ>, lines: readonly string[]): Map<string, readonly string[]> {
  const changes = new Map<string, readonly string[]>();
  const expected = expectedKeys(lines);
  // A name with `_` becomes a key only if the deployer allows it. Other gateways do not tell.
  const isExact = hasUnderscores(lines);
  for (const [key, { all, hyphened }] of expected) {
    const value = environ[key];
    if (value !== all && (isExact || value !== hyphened)) changes.set(key, valuesAt(environ, key));
  }
  for (const [key, values] of valuesByKey(environ)) {
    if (!expected.has(key)) changes.set(key, values);
  }
  // RFC 9112 §3.2.2: the authority of an absolute-form target replaces the Host field.
  if (originOf(environ.REQUEST_URI ?? '') !== '' && expected.has('HTTP_HOST'))
    changes.set('HTTP_HOST', valuesAt(environ, 'HTTP_HOST'));
  return changes;
}

function expectedKeys(lines: readonly string[]): Map<string, Expected> {
  const keys = new Map<string, Expected>();
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const value = lines[index + 1] ?? '';
    const { key, kind } = fieldRules.get(lines[index] ?? '');
    if (kind === 'drop') continue;
    const isHyphened = kind !== 'underscore';
    const present = keys.get(key);
    if (present === undefined) {
      keys.set(key, { all: value, hyphened: isHyphened ? value : undefined });
      continue;
    }
    const separator = key === 'HTTP_COOKIE' ? COOKIE_SEPARATOR : LIST_SEPARATOR;
    present.all += separator + value;
    if (isHyphened)
      present.hyphened = present.hyphened === undefined ? value : present.hyphened + separator + value;
  }
  return keys;
}

/** Gives the fields of an environ. */
function valuesByKey(environ: Readonly<Environ>): FieldChanges {
  const fields = new Map<string, readonly string[]>();
  for (const key of Object.keys(environ)) {
    if (!isFieldKey(key) && key !== 'CONTENT_TYPE' && key !== 'CONTENT_LENGTH') continue;
    const values = valuesAt(environ, key);
    if (values.length > 0) fields.set(key, values);
  }
  return fields;
}

function valuesAt(environ: Readonly<Environ>, key: string): string[] {
  const value = environ[key];
  // RFC 3875 §4.1: these two are absent if they are empty.
  return value === '' && (key === 'CONTENT_TYPE' || key === 'CONTENT_LENGTH') ? [] : valuesOf(value);
}

const BY_HYPHENED_KEY: FieldIdentity = {
  identify(name) {
    const { key, kind } = fieldRules.get(name);
    return kind === 'drop' || kind === 'underscore' ? undefined : key;
  },
  nameOf: fieldName,
};

const BY_KEY: FieldIdentity = {
  identify(name) {
    const { key, kind } = fieldRules.get(name);
    return kind === 'drop' ? undefined : key;
  },
  nameOf: fieldName,
};

function fieldName(key: string): string {
  return key
    .replace(/^HTTP_/, '')
    .toLowerCase()
    .split('_')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('-');
}
