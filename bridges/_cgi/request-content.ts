/**
 * The content of a request for a program that must know its length (RFC 3875 §4.1.2, §4.2).
 *
 * Content of unknown length, as in the chunked coding, is taken in first: a little into memory, more into a temporary
 * file that has no name any more once it is open, so that nothing stays behind.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Environ, ProtocolError } from '../../src/index.ts';
import { contentLength, InputPieces } from './input-pieces.ts';

/** The content of one request. */
export interface RequestContent {
  /** Octets; undefined if the program has to read to the end. */
  readonly length: number | undefined;
  /** Gives the next octets, null at the end. It rejects if the client left, or if the content is malformed. */
  pull(): Promise<Uint8Array | null>;
  /** Frees what holds the content. No `pull` runs, and none follows. */
  close(): Promise<void>;
}

/** Options of {@link openContent}. */
export interface ContentOptions {
  /** The program reads content of unknown length to its end, without CONTENT_LENGTH. */
  readonly isStreamed: boolean;
  /** Octets of content of unknown length, at most. */
  readonly maxBuffered: number;
}

const BLOCK_SIZE = 65_536;

/** Octets of content of unknown length that stay in memory. */
const IN_MEMORY = 65_536;

/**
 * Opens the content of a request. Reads nothing if its length is known.
 *
 * @throws {@link ProtocolError} 413 if it is of unknown length and too large; and what reading throws
 */
export function openContent(
  environ: Environ,
  options: ContentOptions,
): RequestContent | Promise<RequestContent> {
  return contentLength(environ) === 0 ? NO_CONTENT : openReadable(environ, options);
}

const NO_CONTENT: RequestContent = { length: 0, pull: async () => null, close: async () => {} };

async function openReadable(environ: Environ, options: ContentOptions): Promise<RequestContent> {
  const pieces = new InputPieces(environ['wsgi.input']);
  const declared = environ.CONTENT_LENGTH;
  if (declared !== undefined && /^[0-9]+$/.test(declared)) return contentOf(pieces, Number(declared));
  // PEP 3333 lets nobody read on without a length, but for a server that promises an end.
  if (environ['wsgi.input_terminated'] !== true) return contentOf(pieces, 0);
  // Most requests have no content: they need neither a file nor a stream.
  const first = await pieces.next(Number.POSITIVE_INFINITY);
  if (first.length === 0) return contentOf(pieces, 0);
  if (options.isStreamed) return streamOf(pieces, first);
  return spool(pieces, first, options.maxBuffered);
}

function contentOf(pieces: InputPieces, length: number): RequestContent {
  let remaining = length;
  return {
    length,
    async pull() {
      if (remaining === 0) return null;
      const octets = await pieces.next(remaining);
      if (octets.length === 0) throw new ProtocolError('WSGI_ERR_CONTENT_INCOMPLETE');
      remaining -= octets.length;
      return octets;
    },
    close: () => pieces.close(),
  };
}

function streamOf(pieces: InputPieces, first: Uint8Array): RequestContent {
  let next: Uint8Array | undefined = first;
  return {
    length: undefined,
    async pull() {
      const octets = next ?? (await pieces.next(Number.POSITIVE_INFINITY));
      next = undefined;
      return octets.length === 0 ? null : octets;
    },
    close: () => pieces.close(),
  };
}

/** Takes all content in. */
async function spool(pieces: InputPieces, first: Uint8Array, limit: number): Promise<RequestContent> {
  let held: Uint8Array[] = [];
  let length = 0;
  let file: FileHandle | undefined;
  try {
    for (let octets = first; octets.length > 0; octets = await pieces.next(Number.POSITIVE_INFINITY)) {
      length += octets.length;
      if (length > limit) throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', limit);
      // A copy: a small piece of a large block would keep all of it in memory.
      held.push(Buffer.from(octets));
      if (length <= IN_MEMORY) continue;
      file ??= await openTemporaryFile();
      for (const one of held) await writeAll(file, one);
      held = [];
    }
  } catch (error) {
    await Promise.all([file?.close(), pieces.close()]);
    throw error;
  }
  await pieces.close();
  return file === undefined ? inMemory(held, length) : inFile(file, length);
}

async function openTemporaryFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `gatebridge-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function writeAll(file: FileHandle, octets: Uint8Array): Promise<void> {
  for (let start = 0; start < octets.length; ) {
    const { bytesWritten } = await file.write(octets, start);
    start += bytesWritten;
  }
}

function inMemory(blocks: readonly Uint8Array[], length: number): RequestContent {
  const rest = [...blocks];
  return { length, pull: async () => rest.shift() ?? null, close: async () => {} };
}

function inFile(file: FileHandle, length: number): RequestContent {
  let position = 0;
  return {
    length,
    async pull() {
      const block = Buffer.allocUnsafe(BLOCK_SIZE);
      const { bytesRead } = await file.read(block, 0, BLOCK_SIZE, position);
      position += bytesRead;
      return bytesRead === 0 ? null : block.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}
