/**
 * Files as response bodies: `wsgi.file_wrapper` (PEP 3333, Optional Platform-Specific File Handling).
 *
 * Rule 1: a wrapper is an ordinary body. Middleware may iterate, wrap or discard it, and nothing is lost.
 * Rule 2: it starts where the file stands, reads up to the end of the file, and never closes the file there;
 *         only `close()` does, and the wrapper has that method only if the file has.
 * Rule 3: files are known by their shape, so nothing of node:fs is imported.
 */
import type { Readable } from 'node:stream';
import type { Body } from '../wsgi.ts';
import { allocateOctets } from './platform.ts';

const BLOCK_SIZE = 8192;

/** A read of a file handle costs a trip to the thread pool, whatever its size: fewer and larger ones. */
const HANDLE_BLOCK_SIZE = 65_536;

/** A file in PEP 3333's sense: anything that can be read, piece by piece. */
export interface FileLike {
  /** Gives at most `size` octets that come next, empty (or null) at the end. */
  read(size: number): Uint8Array | null | Promise<Uint8Array | null>;
  close?(): unknown;
  /** Tells the size of the whole file; with `tell` it spares the response a chunked coding. */
  stat?(): { readonly size: number } | Promise<{ readonly size: number }>;
  /** Tells the position at which the next read starts. */
  tell?(): number | Promise<number>;
}

/** What a wrapper needs of a `FileHandle` of node:fs/promises. */
export interface FileHandleLike {
  readonly fd: number;
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesRead: number }>;
  stat(): Promise<{ readonly size: number; isFile(): boolean }>;
  close(): Promise<void>;
}

/** What `FileWrapper` takes. A stream is sent in the pieces in which it comes. */
export type WrappableFile = FileLike | FileHandleLike | Readable;

/** Calls or constructs a {@link FileWrapper}: the type of `environ['wsgi.file_wrapper']`. */
export interface FileWrapperFunction {
  (file: WrappableFile, blockSize?: number): FileWrapper;
  new (file: WrappableFile, blockSize?: number): FileWrapper;
}

/** Where the octets come from, without the differences between files. */
interface FileSource {
  /** Gives the next block; empty or null at the end. */
  pull(): Uint8Array | null | Promise<Uint8Array | null>;
  /** Tells how many octets are left, if it can be known. Called before the first `pull`, if at all. */
  measure(): number | undefined | Promise<number | undefined>;
  close?: (() => unknown) | undefined;
}

/**
 * A file as the body of a response, in blocks.
 *
 * @example
 * const file = await open('report.pdf');
 * startResponse('200 OK', [['Content-Type', 'application/pdf']]);
 * return new FileWrapper(file);
 */
export class FileWrapper implements AsyncIterableIterator<Uint8Array, undefined> {
  /** The file that was given. */
  readonly file: WrappableFile;
  /** Closes the file. Missing if the file cannot be closed. */
  declare readonly close?: () => unknown;
  readonly #source: FileSource;

  /**
   * @param file The file; it is read from where it stands
   * @param blockSize Octets to ask for at once; 8192 unless the kind of file has a better number
   * @throws TypeError if the file cannot be read
   * @throws RangeError if the block size is no positive integer
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
   * Tells how many octets are left, if it can be known. It is asked before the iteration, or not at all.
   *
   * A file handle does not tell where it stands. Its length is known if it stands at the start, and that is taken
   * for granted if the next block is the first block of the file; declare Content-Length to leave nothing to chance.
   */
  measure(): number | undefined | Promise<number | undefined> {
    return this.#source.measure();
  }
}

/**
 * Tells the length of a response body that is a {@link FileWrapper}, if it can be known.
 *
 * @param body What an application returned, itself and not wrapped by anything
 * @returns octets; undefined for any other body
 */
export function fileLength(body: Body): number | undefined | Promise<number | undefined> {
  return body instanceof FileWrapper ? body.measure() : undefined;
}

function wrapFile(file: WrappableFile, blockSize?: number): FileWrapper {
  return new FileWrapper(file, blockSize);
}

/**
 * Wraps a file, with `new` or without: what hosts put at `environ['wsgi.file_wrapper']`.
 *
 * @example
 * const fileWrapper = environ['wsgi.file_wrapper'];
 * return fileWrapper ? fileWrapper(file, 65536) : readBlocks(file, 65536);
 */
// A function declaration can be constructed and then gives the object that it returns; its type does not say so.
export const fileWrapper: FileWrapperFunction = wrapFile as unknown as FileWrapperFunction;

function createSource(file: WrappableFile, blockSize: number | undefined): FileSource {
  if (isStream(file)) return createStreamSource(file);
  if (isFileHandle(file)) return createHandleSource(file, blockSize ?? HANDLE_BLOCK_SIZE);
  if (typeof file?.read !== 'function') throw new TypeError('File must have a read method');
  return {
    pull: () => file.read(blockSize ?? BLOCK_SIZE),
    measure: () => measureFile(file),
    close: typeof file.close === 'function' ? () => file.close?.() : undefined,
  };
}

/** A stream is destroyed rather than closed: a `Readable` of no file has only that. */
function createStreamSource(stream: Readable): FileSource {
  let iterator: AsyncIterator<unknown> | undefined;
  return {
    async pull() {
      iterator ??= stream[Symbol.asyncIterator]();
      let result = await iterator.next();
      while (!result.done && isEmpty(result.value)) result = await iterator.next();
      // What a stream gives is checked where every chunk is, in the gateway.
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

  async function readBlock(position: number | null): Promise<Buffer> {
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
      // Files of /proc have octets and a size of 0.
      const isAtStart = block.length <= stats.size && block.equals(await readBlock(0));
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
  return chunk instanceof Uint8Array && chunk.length === 0;
}
