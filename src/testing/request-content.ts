/** Turns the content that a test gives into octets, with their type and length. */
import { describe } from '../gateway/describe.ts';
import { isOctets } from '../gateway/octets.ts';
import type { InputSource } from '../port.ts';
import { type FormValue, isFormFile, toFile } from './form-file.ts';
import { encodeMultipart } from './multipart.ts';

/** The content of a request; at most one of these. */
export interface ContentOptions {
  /** Octets, text (sent as UTF-8), or pieces of an unknown length. */
  readonly content?: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | undefined;
  /** A value to send as JSON. */
  readonly json?: unknown;
  /** Fields to send as a form; as `multipart/form-data` if they are FormData or have a file. */
  readonly form?: FormFields<FormValue> | FormData | undefined;
}

/** Names and values of a form or a query: `URLSearchParams`, pairs, a Map, or an object. A name may have several values. */
export type FormFields<Value = string> =
  | Iterable<readonly [name: string, value: Value | readonly Value[]]>
  | Readonly<Record<string, Value | readonly Value[]>>;

/** Content with its type and length, as far as they are known. */
export interface RequestContent {
  readonly input: InputSource;
  /** Absent if only the test can tell it. */
  readonly type?: string;
  /** In octets; absent if it is not known in advance. */
  readonly length?: number;
}

/**
 * Makes the content of a request.
 *
 * @throws TypeError if more than one kind is given, or if the content is of no kind
 */
export function createContent(options: ContentOptions): RequestContent | undefined {
  const given = (['content', 'json', 'form'] as const).filter((kind) => options[kind] !== undefined);
  if (given.length > 1) throw new TypeError(`Request must have one of ${given.join(' and ')}, not both`);
  const { content, json, form } = options;
  if (json !== undefined) return whole(JSON.stringify(json), 'application/json');
  if (form !== undefined) return formContent(form);
  if (content === undefined) return undefined;
  if (typeof content === 'string' || isOctets(content)) return whole(content);
  // Callers in JavaScript may pass anything.
  const pieces: object = Object(content);
  if (!(Symbol.iterator in pieces || Symbol.asyncIterator in pieces)) {
    throw new TypeError(
      `Option content must be text, octets or an iterable of octets, not ${describe(content)}; json sends a value`,
    );
  }
  return { input: createSource(content) };
}

/** Encodes a form: as `multipart/form-data` if it has a file. */
function formContent(form: FormFields<FormValue> | FormData): RequestContent {
  if (!(form instanceof FormData)) {
    const pairs = toPairs('form', form);
    if (!pairs.some(([, value]) => isFormFile(value)))
      return whole(searchParams('form', pairs).toString(), 'application/x-www-form-urlencoded');
    const data = new FormData();
    for (const [name, value] of pairs) {
      if (isFormFile(value)) data.append(name, toFile(value));
      else data.append(name, textOf('form', name, value));
    }
    return formContent(data);
  }
  const { type, length, pieces } = encodeMultipart(form);
  return { input: createSource(pieces), type, length };
}

/**
 * Makes search parameters.
 *
 * @param option The option that the fields are of
 * @throws TypeError if they are no fields, or if a value is none
 */
export function toSearchParams(option: string, fields: FormFields): URLSearchParams {
  return searchParams(option, toPairs(option, fields));
}

function searchParams(option: string, pairs: readonly Pair[]): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of pairs) parameters.append(name, textOf(option, name, value));
  return parameters;
}

function textOf(option: string, name: string, value: unknown): string {
  if (['string', 'number', 'boolean'].includes(typeof value)) return String(value);
  const kinds = option === 'form' ? 'a string or a file (a File, a Blob or { name, content })' : 'a string';
  throw new TypeError(`Field ${name} of option ${option} must be ${kinds}, not ${describe(value)}`);
}

type Pair = readonly [name: string, value: unknown];

/** Gives each value with its name. */
function toPairs(option: string, fields: FormFields<unknown>): Pair[] {
  // Callers in JavaScript may pass anything.
  if (typeof fields !== 'object' || fields === null)
    throw new TypeError(
      `Option ${option} must be an object, pairs or URLSearchParams, not ${describe(fields)}`,
    );
  const entries: readonly unknown[] = isIterable(fields) ? [...fields] : Object.entries(fields);
  return entries.flatMap((entry) => {
    if (!Array.isArray(entry) || entry.length !== 2)
      throw new TypeError(`Option ${option} must have [name, value] pairs, not ${describe(entry)}`);
    const [name, values]: readonly unknown[] = entry;
    return [values].flat().map((value) => [String(name), value] as const);
  });
}

function isIterable(fields: object): fields is Iterable<unknown> {
  return Symbol.iterator in fields;
}

function whole(content: string | Uint8Array, type?: string): RequestContent {
  const octets = typeof content === 'string' ? Buffer.from(content) : content;
  const source = { input: createSource(octets.length === 0 ? [] : [octets]), length: octets.length };
  return type === undefined ? source : { ...source, type };
}

function createSource(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): InputSource {
  const iterator =
    Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  return {
    async pull() {
      const { done, value } = await iterator.next();
      if (done) return null;
      // Streams with an encoding give strings.
      if (!isOctets(value))
        throw new TypeError(`Option content must have pieces of octets, not ${describe(value)}`);
      return value;
    },
  };
}
