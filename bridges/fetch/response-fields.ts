/** Reads the headers that a program passes to the constructor of a `Response`, without making `Headers` of most. */
import { isFieldValue, isToken, NameMemory } from '../../src/gateway/index.ts';
import type { HeaderList } from '../../src/index.ts';

/** The runtime's class, whatever takes its global name later. */
const RealHeaders = globalThis.Headers;

type HeadersInit = ConstructorParameters<typeof Headers>[0];

const TEXT_FIELD = ['content-type', 'text/plain;charset=UTF-8'] as const;

/** Names in lower case; `''` for what is no name. */
const names = new NameMemory<string>((name) => (isToken(name) ? name.toLowerCase() : ''));

/**
 * Gives the fields, with names in lower case.
 *
 * @param isText The content is a text, which has a type if the headers name none
 * @throws TypeError if a name or value is none, as the constructor of `Headers` does
 */
export function readFields(headers: HeadersInit | undefined, isText: boolean): HeaderList {
  const fields = headers === undefined ? [] : (readRecord(headers) ?? readHeaders(headers));
  if (isText && !fields.some(([name]) => name === 'content-type')) fields.push(TEXT_FIELD);
  return fields;
}

/** Reads what the constructor of `Headers` takes. Headers of the runtime need no copy, because their fields are read here and now. */
function readHeaders(headers: NonNullable<HeadersInit>): HeaderList {
  const isRead = Object.getPrototypeOf(headers) === RealHeaders.prototype;
  // So its constructor has made it.
  return [...(isRead ? (headers as Headers) : new RealHeaders(headers))];
}

/** Reads an object whose members are all valid; undefined if it is something else. */
function readRecord(headers: NonNullable<HeadersInit>): HeaderList | undefined {
  const prototype: unknown = Object.getPrototypeOf(headers);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  const fields: HeaderList = [];
  for (const key of Object.keys(headers)) {
    const name = names.get(key);
    // The members of a plain object.
    const value: unknown = (headers as Record<string, unknown>)[key];
    if (name === '' || typeof value !== 'string' || !isPlainValue(value)) return undefined;
    for (const field of fields) if (field[0] === name) return undefined;
    fields.push([name, value]);
  }
  return fields;
}

/** A value that needs no trimming. */
function isPlainValue(value: string): boolean {
  const last = value.length - 1;
  return isFieldValue(value) && value.charCodeAt(0) !== SPACE && value.charCodeAt(last) !== SPACE;
}

const SPACE = 0x20;
