/** Files that a test puts into the fields of a form. */
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { describe } from '../gateway/describe.ts';
import { isOctets } from '../gateway/octets.ts';

/** A file that a test describes. */
export interface FormFile {
  /** The name that is sent, without a path. */
  readonly name: string;
  /** Octets, or text (sent as UTF-8). */
  readonly content: string | Uint8Array;
  /** The media type. @default 'application/octet-stream' */
  readonly type?: string | undefined;
}

/** A value of a field: text, or a file. A Blob without a name is sent as `blob`. */
export type FormValue = string | Blob | FormFile;

/** Tells if a value is a file, or describes one. */
export function isFormFile(value: unknown): value is Blob | FormFile {
  if (value instanceof Blob) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { name, content }: { name?: unknown; content?: unknown } = value;
  return typeof name === 'string' && (typeof content === 'string' || isOctets(content));
}

/**
 * Makes a File of a value that is no text.
 *
 * @throws AssertionError unless it describes a file
 */
export function toFile(value: Blob | FormFile): File {
  if (value instanceof File) return value;
  if (value instanceof Blob) return new File([value], 'blob', { type: value.type });
  // Callers in JavaScript may pass anything.
  const isFile = isFormFile(value);
  assert.ok(isFile, `Value of a field must be a string, a File or { name, content }, not ${describe(value)}`);
  const { name, content, type = 'application/octet-stream' } = value;
  return new File([content], name, { type });
}
