/**
 * Recognises what people return in place of a body, or yield in place of a chunk, and says what to write.
 *
 * Values of other packages and of other realms are told by their tags.
 */
import { describe } from './describe.ts';

/** Something that is neither a body nor a chunk, with what to write instead. */
interface Cures {
  /** Replaces the description of the value. */
  readonly what?: string;
  readonly body: string;
  readonly chunk: string;
}

const GENERATOR_FUNCTION: Cures = {
  what: 'a generator function',
  body: 'call it, as in return pieces()',
  chunk: 'call it, as in yield* pieces()',
};

const FUNCTION: Cures = {
  what: 'a function',
  body: 'call it, and return its result',
  chunk: 'call it, and yield its result',
};

const BLOB: Cures = {
  body: 'return its stream()',
  chunk: 'yield* its stream()',
};

const MEMORY: Cures = {
  body: 'return [new Uint8Array(buffer)]',
  chunk: 'pass new Uint8Array(buffer)',
};

const STREAM_PAIR: Cures = { body: 'return its readable', chunk: 'yield* its readable' };

const VALUE: Cures = {
  body: 'make text of it, as in [String(value)]',
  chunk: 'make text of it, as in String(value)',
};

/** By the tag of `Object.prototype.toString`. */
const CURES: Readonly<Record<string, Cures>> = {
  GeneratorFunction: GENERATOR_FUNCTION,
  AsyncGeneratorFunction: GENERATOR_FUNCTION,
  Function: FUNCTION,
  AsyncFunction: FUNCTION,
  Response: {
    what: 'a Response',
    body: 'pass its status and headers to startResponse, and return response.body ?? []',
    chunk: 'yield* its body',
  },
  Blob: BLOB,
  File: BLOB,
  ArrayBuffer: MEMORY,
  SharedArrayBuffer: MEMORY,
  TransformStream: STREAM_PAIR,
  CompressionStream: STREAM_PAIR,
  Number: VALUE,
  BigInt: VALUE,
  Boolean: VALUE,
  Object: {
    body: 'make text of it, as in [JSON.stringify(value)]',
    chunk: 'make text of it, as in JSON.stringify(value)',
  },
};

/** Describes a value that is no body, and what to return instead. */
export function mistakenBody(value: unknown): string {
  if (value === undefined || value === null) return `${describe(value)}; return [] if there is no content`;
  if (typeof value === 'string' || ArrayBuffer.isView(value))
    return `${describe(value)}; wrap it in an array`;
  if (isFile(value)) return `${describe(value)}; return new FileWrapper(file)`;
  const cures = curesOf(value);
  return `${cures?.what ?? describe(value)}; ${cures?.body ?? 'return an array of chunks'}`;
}

/** Describes a value that is no chunk, and what to yield instead. */
export function mistakenChunk(value: unknown): string {
  if (value === undefined || value === null || value instanceof Promise) return describe(value);
  if (typeof value === 'string') return `${describe(value)}; encode it, as in Buffer.from(text)`;
  if (ArrayBuffer.isView(value)) return `${describe(value)}; ${MEMORY.chunk}`;
  if (isIterable(value)) return `${describe(value)}; yield its elements one by one, as in yield* value`;
  const cures = curesOf(value);
  return cures === undefined ? describe(value) : `${cures.what ?? describe(value)}; ${cures.chunk}`;
}

function curesOf(value: unknown): Cures | undefined {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag === 'Object' && !isPlain(value)) return undefined;
  return Object.hasOwn(CURES, tag) ? CURES[tag] : undefined;
}

/** Tells objects that JSON can show from instances of classes. */
function isPlain(value: unknown): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** node's FileHandle, and files of other makers. */
function isFile(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'read' in value && typeof value.read === 'function';
}

function isIterable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}
