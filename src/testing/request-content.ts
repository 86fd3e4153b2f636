/** Turns the content that a test gives into octets, with their type and length. */
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
  readonly form?:
    | URLSearchParams
    | FormData
    | Readonly<Record<string, string | readonly string[]>>
    | undefined;
}

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
 * @throws TypeError if more than one kind is given
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
    return whole(toSearchParams(form).toString(), 'application/x-www-form-urlencoded');
  }
  if (content === undefined) return undefined;
  if (typeof content === 'string' || isOctets(content)) return whole(content);
  return { input: createSource(content) };
}

/** Makes search parameters; a name may have several values. */
export function toSearchParams(
  fields: URLSearchParams | Readonly<Record<string, string | readonly string[]>>,
): URLSearchParams {
  if (fields instanceof URLSearchParams) return fields;
  const pairs = Object.entries(fields).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
  return new URLSearchParams(pairs);
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
      return done ? null : value;
    },
  };
}
