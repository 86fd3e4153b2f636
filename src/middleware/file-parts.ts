/** Parts of a file, with octets between them, as a file for `wsgi.file_wrapper`. */
import type { FileHandle } from 'node:fs/promises';
import type { FileLike } from '../gateway/file-wrapper.ts';
import { allocateOctets } from '../gateway/platform.ts';
import type { ByteRange } from './byte-ranges.ts';

const EMPTY = new Uint8Array(0);

/** Reads one part after the other. */
export class FileParts implements FileLike {
  readonly #handle: FileHandle;
  readonly #parts: (ByteRange | Uint8Array)[];
  #closing: Promise<void> | undefined;

  constructor(handle: FileHandle, parts: readonly (ByteRange | Uint8Array)[]) {
    this.#handle = handle;
    this.#parts = [...parts];
  }

  /** Ends early if the file has become shorter: the gateway then cuts the response off. */
  async read(size: number): Promise<Uint8Array> {
    const part = this.#parts.shift();
    if (part === undefined) return EMPTY;
    if (part instanceof Uint8Array) return part;
    const block = allocateOctets(Math.min(size, part.end - part.start));
    const { bytesRead } = await this.#handle.read(block, 0, block.length, part.start);
    const start = part.start + bytesRead;
    if (bytesRead === 0) this.#parts.length = 0;
    else if (start < part.end) this.#parts.unshift({ start, end: part.end });
    return block.subarray(0, bytesRead);
  }

  close(): Promise<void> {
    this.#closing ??= this.#handle.close();
    return this.#closing;
  }
}
