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
import { type Environ, type InputStream, ProtocolError } from '../../src/index.ts';

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
export async function openContent(environ: Environ, options: ContentOptions): Promise<RequestContent> {
  const input = environ['wsgi.input'];
  const declared = environ.CONTENT_LENGTH;
  if (declared !== undefined && /^[0-9]+$/.test(declared)) return contentOf(input, Number(declared));
  // PEP 3333 lets nobody read on without a length, but for a server that promises an end.
  if (environ['wsgi.input_terminated'] !== true) return contentOf(input, 0);
  // Most requests have no content: they need neither a file nor a stream.
  const first = await input.read(BLOCK_SIZE);
  if (first.length === 0) return contentOf(input, 0);
  if (options.isStreamed) return streamOf(input, first);
  return spool(input, first, options.maxBuffered);
}

function contentOf(input: InputStream, length: number): RequestContent {
  let remaining = length;
  return {
    length,
    async pull() {
      if (remaining === 0) return null;
      const block = await input.read(Math.min(remaining, BLOCK_SIZE));
      if (block.length === 0) throw new ProtocolError('WSGI_ERR_CONTENT_INCOMPLETE');
      remaining -= block.length;
      return block;
    },
    close: async () => {},
  };
}

function streamOf(input: InputStream, first: Uint8Array): RequestContent {
  let next: Uint8Array | undefined = first;
  return {
    length: undefined,
    async pull() {
      const block = next ?? (await input.read(BLOCK_SIZE));
      next = undefined;
      return block.length === 0 ? null : block;
    },
    close: async () => {},
  };
}

/** Takes all content in. */
async function spool(input: InputStream, first: Uint8Array, limit: number): Promise<RequestContent> {
  let held: Uint8Array[] = [];
  let length = 0;
  let file: FileHandle | undefined;
  try {
    for (let block = first; block.length > 0; block = await input.read(BLOCK_SIZE)) {
      length += block.length;
      if (length > limit) throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', limit);
      held.push(block);
      if (length <= IN_MEMORY) continue;
      file ??= await openTemporaryFile();
      for (const one of held) await writeAll(file, one);
      held = [];
    }
  } catch (error) {
    await file?.close();
    throw error;
  }
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
