/** Turns the content that a test gives into octets, with their type and length. */
import { describe } from '../gateway/describe.ts';
import { isOctets } from '../gateway/octets.ts';
import type { InputSource } from '../port.ts';
import { encodeMultipart } from './multipart.ts';

/** The content of a request; at most one of these. */
export interface ContentOptions {
  /** Octets, text (sent as UTF-8), or pieces of an unknown length. */
  readonly content?: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | undefined;
  /** A value to send as JSON. */
  readonly json?: unknown;
  /** Fields to send as a form; as `multipart/form-data` if they are FormData. */
  readonly form?: FormFields | FormData | undefined;
}

/** Names and values of a form or a query: `URLSearchParams`, pairs, a Map, or an object. A name may have several values. */
export type FormFields =
  | Iterable<readonly [name: string, value: string | readonly string[]]>
  | Readonly<Record<string, string | readonly string[]>>;

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
  if (form instanceof FormData) {
    const { type, length, pieces } = encodeMultipart(form);
    return { input: createSource(pieces), type, length };
  }
  if (form !== undefined) {
    return whole(toSearchParams('form', form).toString(), 'application/x-www-form-urlencoded');
  }
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

/**
 * Makes search parameters.
 *
 * @param option The option that the fields are of
 * @throws TypeError if they are no fields, or if a value is none
 */
export function toSearchParams(option: string, fields: FormFields): URLSearchParams {
  // Callers in JavaScript may pass anything.
  if (typeof fields !== 'object' || fields === null)
    throw new TypeError(
      `Option ${option} must be an object, pairs or URLSearchParams, not ${describe(fields)}`,
    );
  const entries: readonly unknown[] = isIterable(fields) ? [...fields] : Object.entries(fields);
  const parameters = new URLSearchParams();
  for (const entry of entries) {
    if (!Array.isArray(entry) || entry.length !== 2)
      throw new TypeError(`Option ${option} must have [name, value] pairs, not ${describe(entry)}`);
    const [name, values]: readonly unknown[] = entry;
    for (const value of [values].flat()) {
      if (!['string', 'number', 'boolean'].includes(typeof value))
        throw new TypeError(`Field ${name} of option ${option} must be a string, not ${describe(value)}`);
      parameters.append(String(name), String(value));
    }
  }
  return parameters;
}

function isIterable(fields: FormFields): fields is Iterable<readonly [string, string | readonly string[]]> {
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
