/**
 * Files as response bodies: `wsgi.file_wrapper` (PEP 3333, Optional Platform-Specific File Handling).
 *
 * Rule 1: a wrapper is an ordinary body. Middleware may iterate, wrap or discard it.
 * Rule 2: it reads from the current position of the file to its end. The end does not close the file; only `close()`
 *         does. The wrapper has `close()` only if the file has it.
 * Rule 3: files are recognised by their methods, without an import of node:fs.
 */
import type { Readable } from 'node:stream';
import type { Body } from '../wsgi.ts';
import { isOctets } from './octets.ts';
import { allocateOctets, encodeUtf8, equalOctets } from './platform.ts';

const BLOCK_SIZE = 8192;

/** Octets. Each read of a file handle uses node's thread pool, so fewer and larger reads are faster. */
const HANDLE_BLOCK_SIZE = 65_536;

/** A file in PEP 3333's sense: an object with a `read` method. */
export interface FileLike {
  /** Gives the next octets, at most `size`; an empty array or null at the end. */
  read(size: number): Uint8Array | null | Promise<Uint8Array | null>;
  close?(): unknown;
  /** Gives the size of the whole file, in octets. With `tell`, the response gets a Content-Length. */
  stat?(): { readonly size: number } | Promise<{ readonly size: number }>;
  /** Gives the position of the next read, in octets. */
  tell?(): number | Promise<number>;
}

/** The methods of a `FileHandle` of node:fs/promises that a wrapper uses. */
export interface FileHandleLike {
  readonly fd: number;
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesRead: number }>;
  stat(): Promise<{ readonly size: number; isFile(): boolean }>;
  close(): Promise<void>;
}

/** A file for `FileWrapper`. A stream is sent in the pieces that it gives. */
export type WrappableFile = FileLike | FileHandleLike | Readable;

/** Calls or constructs a {@link FileWrapper}: the type of `environ['wsgi.file_wrapper']`. */
export interface FileWrapperFunction {
  (file: WrappableFile, blockSize?: number): FileWrapper;
  new (file: WrappableFile, blockSize?: number): FileWrapper;
}

/** A common interface to all kinds of files. */
interface FileSource {
  /** Gives the next block; an empty array or null at the end. */
  pull(): Uint8Array | null | Promise<Uint8Array | null>;
  /** Gives the number of octets left, if known. Called only before the first `pull`. */
  measure(): number | undefined | Promise<number | undefined>;
  close?: (() => unknown) | undefined;
}

/**
 * A file as the body of a response, read in blocks.
 *
 * @example
 * const file = await open('report.pdf');
 * startResponse('200 OK', [['Content-Type', 'application/pdf']]);
 * return new FileWrapper(file);
 */
export class FileWrapper implements AsyncIterableIterator<Uint8Array, undefined> {
  /** The wrapped file. */
  readonly file: WrappableFile;
  /** Closes the file. Missing if the file cannot be closed. */
  declare readonly close?: () => unknown;
  readonly #source: FileSource;

  /**
   * @param file The file, read from its current position
   * @param blockSize Octets for each read; by default 65536 for a file handle, else 8192. Ignored for a stream
   * @throws TypeError if the file has no `read` method
   * @throws RangeError if the block size is not a positive integer
   */
  constructor(file: WrappableFile, blockSize?: number) {
    if (blockSize !== undefined && !(Number.isSafeInteger(blockSize) && blockSize > 0)) {
      throw new RangeError(`Block size must be a positive integer: ${blockSize}`);
    }
    this.file = file;
    this.#source = createSource(file, blockSize);
    if (this.#source.close !== undefined) this.close = this.#source.close;
  }

  /** Gives the next block. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const block = await this.#source.pull();
    return block === null || block.length === 0
      ? { done: true, value: undefined }
      : { done: false, value: block };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * Gives the number of octets left, if known. Call it only before the iteration.
   *
   * A file handle does not tell its position. It counts as at the start if its next block equals the first block of
   * the file; then the length is the size of the file. Declare Content-Length to avoid this guess.
   */
  measure(): number | undefined | Promise<number | undefined> {
    return this.#source.measure();
  }
}

/** A method of bodies that pass the chunks of another one on, as they are: it gives the other one. */
export const INNER_BODY: unique symbol = Symbol.for('gatebridge.inner-body');

/**
 * Gives the length of a body, if it is that of a {@link FileWrapper}, or of an array that somebody has to close.
 *
 * @param body The body that an application returned
 * @returns octets; undefined for any other body
 */
export function fileLength(body: Body): number | undefined | Promise<number | undefined> {
  const inner = innermost(body);
  if (inner instanceof FileWrapper) return inner.measure();
  return inner !== body && Array.isArray(inner) ? arrayLength(inner) : undefined;
}

/** Tells if a body is a {@link FileWrapper}, or passes its chunks on. */
export function isFile(body: Body): boolean {
  return innermost(body) instanceof FileWrapper;
}

function innermost(body: object): object {
  let inner = body;
  // Only our own bodies have this method.
  while (INNER_BODY in inner) inner = (inner[INNER_BODY] as () => object)();
  return inner;
}

/** An invalid chunk is found when it is sent. */
function arrayLength(chunks: readonly unknown[]): number {
  return chunks.reduce((length: number, chunk) => {
    return length + (isOctets(chunk) ? chunk.length : encodeUtf8(String(chunk)).length);
  }, 0);
}

function wrapFile(file: WrappableFile, blockSize?: number): FileWrapper {
  return new FileWrapper(file, blockSize);
}

/**
 * Wraps a file, with or without `new`. It is the value of `environ['wsgi.file_wrapper']`.
 *
 * @example
 * const fileWrapper = environ['wsgi.file_wrapper'];
 * return fileWrapper ? fileWrapper(file, 65536) : readBlocks(file, 65536);
 */
// A function declaration can be constructed and then gives the object that it returns, but its type does not say so.
export const fileWrapper: FileWrapperFunction = wrapFile as unknown as FileWrapperFunction;

/** JavaScript may pass anything: most likely the name of a file. */
function hintAt(file: unknown): string {
  return typeof file === 'string' ? `: pass createReadStream(${JSON.stringify(file)})` : '';
}

function createSource(file: WrappableFile, blockSize: number | undefined): FileSource {
  if (isStream(file)) return createStreamSource(file);
  if (isFileHandle(file)) return createHandleSource(file, blockSize ?? HANDLE_BLOCK_SIZE);
  if (typeof file?.read !== 'function') throw new TypeError(`File must have a read method${hintAt(file)}`);
  return {
    pull: () => file.read(blockSize ?? BLOCK_SIZE),
    measure: () => measureFile(file),
    close: typeof file.close === 'function' ? () => file.close?.() : undefined,
  };
}

/** Destroys the stream to close it, because not every `Readable` has `close()`. */
function createStreamSource(stream: Readable): FileSource {
  let iterator: AsyncIterator<unknown> | undefined;
  return {
    async pull() {
      iterator ??= stream[Symbol.asyncIterator]();
      let result = await iterator.next();
      while (!result.done && isEmpty(result.value)) result = await iterator.next();
      // The gateway checks every chunk.
      return result.done ? null : (result.value as Uint8Array);
    },
    measure: () => undefined,
    close: () => {
      stream.destroy();
    },
  };
}

function createHandleSource(handle: FileHandleLike, blockSize: number): FileSource {
  let measured: Uint8Array | undefined;

  async function readBlock(position: number | null): Promise<Uint8Array> {
    const block = allocateOctets(blockSize);
    const { bytesRead } = await handle.read(block, 0, blockSize, position);
    return block.subarray(0, bytesRead);
  }

  return {
    pull() {
      const block = measured;
      measured = undefined;
      return block ?? readBlock(null);
    },
    async measure() {
      const stats = await handle.stat();
      if (!stats.isFile()) return undefined;
      const block = await readBlock(null);
      measured = block;
      // Files in /proc have content but a size of 0.
      const isAtStart = block.length <= stats.size && equalOctets(block, await readBlock(0));
      return isAtStart ? stats.size : undefined;
    },
    close: () => handle.close(),
  };
}

async function measureFile(file: FileLike): Promise<number | undefined> {
  if (typeof file.stat !== 'function' || typeof file.tell !== 'function') return undefined;
  const [{ size }, position] = await Promise.all([file.stat(), file.tell()]);
  return Math.max(size - position, 0);
}

function isStream(file: WrappableFile): file is Readable {
  return (
    typeof file === 'object' &&
    file !== null &&
    Symbol.asyncIterator in file &&
    'pipe' in file &&
    'destroy' in file
  );
}

function isFileHandle(file: WrappableFile): file is FileHandleLike {
  return (
    typeof file === 'object' && file !== null && 'fd' in file && typeof file.fd === 'number' && 'stat' in file
  );
}

function isEmpty(chunk: unknown): boolean {
  return isOctets(chunk) && chunk.length === 0;
}
