/**
 * Header fields of applications: the grammar of names and values, hop-by-hop fields, and the class `Headers`.
 *
 * Rule 1: all code works on native strings. Octets and framing belong elsewhere.
 * Rule 2: the predicates run for every response, so they take linear time and usually allocate nothing.
 * Rule 3: `startResponse` takes the list, not `Headers`, which only helps to build a list.
 */
import type { ConnectionField } from '../port.ts';
import type { HeaderList } from '../wsgi.ts';
import { describe } from './describe.ts';
import { encodeLatin1 } from './platform.ts';

/** token = 1*tchar (RFC 9110 §5.6.2), as a part of patterns. */
export const TOKEN_PATTERN: string = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";

const TOKEN = new RegExp(`^${TOKEN_PATTERN}$`);

/** Forbidden in a field value: control characters except HTAB (RFC 9110 §5.5), and characters above U+00FF. */
const NOT_FIELD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * The fields of RFC 2616 §13.5.1, which PEP 3333 cites, and of RFC 9110 §7.6.1. RFC 2616 and wsgiref say `Trailers`
 * for `Trailer`; both are refused.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
]);

/** Fields that describe content (RFC 9110 §8 and §14.4; Content-MD5 is of RFC 2616). */
const OF_CONTENT = new Set([
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'content-range',
  'content-md5',
]);

/** One bit for each length of these names. Most other names differ in length and need not be lower-cased. */
const HOP_BY_HOP_LENGTHS = [...HOP_BY_HOP].reduce((bits, name) => bits | (1 << name.length), 0);

/**
 * Tells if a string is valid as a field name.
 *
 * @example
 * isToken('Content-Type'); // true
 * isToken('Content Type'); // false
 */
export function isToken(name: string): boolean {
  return TOKEN.test(name);
}

/**
 * Tells if a string may be sent as a field value.
 *
 * Whitespace around the value is allowed: recipients strip it (RFC 9110 §5.5).
 *
 * @example
 * isFieldValue('text/plain'); // true
 * isFieldValue('a\r\nSet-Cookie: b'); // false
 */
export function isFieldValue(value: string): boolean {
  if (value.length > LOOP_LIMIT) return !NOT_FIELD_VALUE.test(value);
  for (let index = 0; index < value.length; index += 1) {
    const octet = value.charCodeAt(index);
    if ((octet < SPACE && octet !== HTAB) || octet === DEL || octet > 0xff) return false;
  }
  return true;
}

/** Characters. For shorter values a loop is faster than a regular expression (Node 20). */
const LOOP_LIMIT = 32;
const HTAB = 0x09;
const SPACE = 0x20;
const DEL = 0x7f;

/** Tells if a field describes content, so that a 304 should not have it (RFC 9110 §15.4.5). The case does not matter. */
export function describesContent(name: string): boolean {
  return OF_CONTENT.has(name.toLowerCase());
}

/**
 * Tells if a field is hop-by-hop, so that only the gateway may set it. The case of the name does not matter.
 *
 * @example
 * isHopByHop('Transfer-Encoding'); // true
 * isHopByHop('Content-Length'); // false
 */
export function isHopByHop(name: string): boolean {
  if (name.length > 19 || ((HOP_BY_HOP_LENGTHS >> name.length) & 1) === 0) return false;
  return HOP_BY_HOP.has(name) || HOP_BY_HOP.has(name.toLowerCase());
}

/** Turns a flat list of field lines (name, value, name, value, …) into pairs. */
export function toPairs(lines: readonly string[]): HeaderList {
  const pairs: HeaderList = [];
  for (let index = 0; index + 1 < lines.length; index += 2) {
    pairs.push([lines[index] ?? '', lines[index + 1] ?? '']);
  }
  return pairs;
}

const CLOSE = /(?:^|[\s,])close(?:[\s,]|$)/i;
const KEEP_ALIVE = /(?:^|[\s,])keep-alive(?:[\s,]|$)/i;

/** Tells if a Connection field contains the option `close` (RFC 9112 §9.6). */
export function saysClose(connection: string): boolean {
  return CLOSE.test(connection);
}

/** Tells if a Connection field contains the option `keep-alive` (RFC 9112 §9.3). */
export function saysKeepAlive(connection: string): boolean {
  return KEEP_ALIVE.test(connection);
}

/**
 * Inserts fields of the connection into the headers of a response.
 *
 * @param headers The headers without these fields
 * @param fields The fields, in ascending order of `index`
 */
export function insertFields(headers: HeaderList, fields: readonly ConnectionField[]): HeaderList {
  const placed: HeaderList = [];
  let next = 0;
  for (const { index, name, value } of fields) {
    while (next < index && next < headers.length) placed.push(headers[next++] ?? ['', '']);
    placed.push([name, value]);
  }
  placed.push(...headers.slice(next));
  return placed;
}

/**
 * A mapping over a list of header fields, like wsgiref's `Headers`. Names match in any case.
 *
 * It changes the wrapped list in place and keeps order and duplicates.
 *
 * @example
 * const list: HeaderList = [['Content-Type', 'text/html']];
 * const headers = new Headers(list);
 * headers.set('content-type', 'text/plain');
 * headers.addHeader('Content-Disposition', 'attachment', { filename: 'a "b".txt' });
 * startResponse('200 OK', list);
 */
export class Headers implements Iterable<[name: string, value: string]> {
  /** The wrapped list itself. */
  readonly list: HeaderList;

  /**
   * @param list The list to wrap
   * @throws TypeError if it is not an array of pairs, or if a name or a value cannot be sent
   */
  constructor(list: HeaderList = []) {
    if (!Array.isArray(list))
      throw new TypeError(
        'Headers must wrap an array of [name, value] pairs, such as Object.entries(headers)',
      );
    for (const pair of list) assertPair(pair);
    this.list = list;
  }

  /** The number of fields, including duplicates. */
  get size(): number {
    return this.list.length;
  }

  /** Gives the value of the first field of that name, or `fallback`. */
  get(name: string): string | undefined;
  get<Fallback>(name: string, fallback: Fallback): string | Fallback;
  get(name: string, fallback?: unknown): unknown {
    const wanted = name.toLowerCase();
    const pair = this.list.find(([other]) => other.toLowerCase() === wanted);
    return pair === undefined ? fallback : pair[1];
  }

  /** Gives the values of all fields of that name, in order. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.list.filter(([other]) => other.toLowerCase() === wanted).map(([, value]) => value);
  }

  /** Tells if there is a field of that name. */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /**
   * Removes all fields of that name and adds one at the end.
   *
   * @throws TypeError if the name or the value cannot be sent
   */
  set(name: string, value: string): void {
    const pair: [string, string] = [name, value];
    assertPair(pair);
    this.delete(name);
    this.list.push(pair);
  }

  /**
   * Gives the value of the first field of that name. Adds a field with `value` if there is none.
   *
   * @throws TypeError if the name or the value cannot be sent
   */
  setDefault(name: string, value: string): string {
    const present = this.get(name);
    if (present !== undefined) return present;
    this.set(name, value);
    return value;
  }

  /** Removes all fields of that name, if there are any. */
  delete(name: string): void {
    const wanted = name.toLowerCase();
    let kept = 0;
    for (const pair of this.list) {
      if (pair[0].toLowerCase() !== wanted) this.list[kept++] = pair;
    }
    this.list.length = kept;
  }

  /**
   * Adds a field at the end. Keeps other fields of that name.
   *
   * @param name The field name
   * @param value The value before the parameters, or null
   * @param parameters Parameters of the value. `_` in a name becomes `-`, values are quoted, and a parameter whose
   *   value is null or empty is written as its name alone
   * @throws TypeError if the name or the value cannot be sent
   * @example
   * headers.addHeader('Content-Disposition', 'attachment', { filename: 'report.pdf' });
   */
  addHeader(
    name: string,
    value: string | null,
    parameters: Readonly<Record<string, string | null>> = {},
  ): void {
    const parts = Object.entries(parameters).map(([key, part]) => formatParameter(key, part));
    if (value !== null) parts.unshift(value);
    const pair: [string, string] = [name, parts.join('; ')];
    assertPair(pair);
    this.list.push(pair);
  }

  /** Gives all names in order, including duplicates. */
  keys(): string[] {
    return this.list.map(([name]) => name);
  }

  /** Gives all values in order. */
  values(): string[] {
    return this.list.map(([, value]) => value);
  }

  /** Gives a copy of the list. */
  entries(): [name: string, value: string][] {
    return this.list.map(([name, value]) => [name, value]);
  }

  /** Iterates over a copy of the list. The loop may change the headers. */
  [Symbol.iterator](): ArrayIterator<[name: string, value: string]> {
    return this.entries().values();
  }

  /** Gives the field section with the empty line at its end. */
  toString(): string {
    return `${this.list.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  }

  /** Gives the field section as octets, with the empty line at its end. */
  toBytes(): Uint8Array {
    return encodeLatin1(this.toString());
  }
}

/** parameter = token "=" quoted-string (RFC 9110 §5.6.6). An empty value is left out, as in wsgiref. */
function formatParameter(key: string, value: string | null): string {
  const name = key.replaceAll('_', '-');
  return value === null || value === '' ? name : `${name}="${value.replace(/["\\]/g, '\\$&')}"`;
}

function assertPair(pair: readonly unknown[]): void {
  const [name, value]: readonly unknown[] = Array.isArray(pair) && pair.length === 2 ? pair : [];
  if (typeof name !== 'string' || typeof value !== 'string') {
    const found = typeof name === 'string' ? `: ${name} is ${describe(value)}` : '';
    throw new TypeError(`Headers must be [name, value] pairs of strings${found}`);
  }
  if (!isToken(name)) throw new TypeError(`Header name is not a token: ${JSON.stringify(name)}`);
  if (!isFieldValue(value))
    throw new TypeError(`Header value contains a control character or one above U+00FF: ${name}`);
}
