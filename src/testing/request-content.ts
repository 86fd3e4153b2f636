/** The content of a made-up request: what a test gives, as octets with the fields that describe them. */
import type { InputSource } from '../port.ts';

/** Where the content of a request comes from; one of these at most. */
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

/** Content with what is known of it. */
export interface RequestContent {
  readonly input: InputSource;
  /** Left out where a test has to say it. */
  readonly type?: string;
  /** Octets; left out where it is not known beforehand. */
  readonly length?: number;
}

/**
 * Makes the content of a request.
 *
 * @throws TypeError if more than one kind is given, or a `body` as fetch has it, which would be lost
 */
export function createContent(options: ContentOptions): RequestContent | undefined {
  if ('body' in options) throw new TypeError('Request has no body: pass content, json or form');
  const given = (['content', 'json', 'form'] as const).filter((kind) => options[kind] !== undefined);
  if (given.length > 1) throw new TypeError(`Request must have one of ${given.join(' and ')}, not both`);
  const { content, json, form } = options;
  if (json !== undefined) return whole(JSON.stringify(json), 'application/json');
  if (form instanceof FormData) return encodeMultipart(form);
  if (form !== undefined) {
    return whole(toSearchParams(form).toString(), 'application/x-www-form-urlencoded');
  }
  if (content === undefined) return undefined;
  if (typeof content === 'string' || content instanceof Uint8Array) return whole(content);
  return { input: createSource(content) };
}

/** Names and values, where a name may have several values. */
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

/** The platform knows how to write multipart; the length is known only once it has done so. */
function encodeMultipart(form: FormData): RequestContent {
  const { headers, body } = new Response(form);
  const source = { input: createSource(body ?? []) };
  const type = headers.get('Content-Type');
  return type === null ? source : { ...source, type };
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
