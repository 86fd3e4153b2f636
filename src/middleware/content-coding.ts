/** The content codings that node:zlib makes (RFC 9110 §8.4.1; `br`: RFC 7932, `zstd`: RFC 8878). */
import type { Transform } from 'node:stream';

type Zlib = typeof import('node:zlib');

/** One coding. */
export interface ContentCoding {
  readonly name: string;
  /** Codes content that is in memory. */
  code(content: Uint8Array): Uint8Array;
  /** Makes a compressor of a stream. */
  createStream(): CodingStream;
}

/** A stream of node:zlib. */
export interface CodingStream extends Transform {
  flush(kind: number, callback: () => void): void;
  /** The kind of flush after which all that was written can be decoded. */
  flushKind: number;
}

/** The part of node:zlib for Zstandard. Node 20 lacks it. */
interface Zstd {
  readonly createZstdCompress?: (options: object) => Transform;
  readonly zstdCompressSync?: (content: Uint8Array, options: object) => Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number; readonly ZSTD_e_flush?: number };
}

/** Names that may be offered. */
export const CODING_NAMES: readonly string[] = ['br', 'zstd', 'gzip', 'deflate'];

/**
 * Levels that suit content that is compressed for one request. zlib's own is 6; Brotli's own, 11, takes a hundred times as long.
 */
const DEFAULT_LEVELS: Readonly<Record<string, number>> = { br: 4, zstd: 3, gzip: 6, deflate: 6 };

/**
 * Gives a coding.
 *
 * @param level Effort from 1 to 9; undefined for the default of the coding
 * @returns undefined if this version of node does not have it
 */
export function contentCoding(
  zlib: Zlib,
  name: string,
  level: number | undefined = DEFAULT_LEVELS[name] ?? 6,
): ContentCoding | undefined {
  const { constants } = zlib;
  const withFlush = (stream: Transform, flushKind: number): CodingStream =>
    // All streams of node:zlib have `flush`.
    Object.assign(stream, { flushKind }) as unknown as CodingStream;
  if (name === 'br') {
    const options = { params: { [constants.BROTLI_PARAM_QUALITY]: level } };
    return {
      name,
      code: (content) => zlib.brotliCompressSync(content, options),
      createStream: () => withFlush(zlib.createBrotliCompress(options), constants.BROTLI_OPERATION_FLUSH),
    };
  }
  // The types of node:zlib are those of Node 20.
  if (name === 'zstd') return zstdCoding(zlib as Zstd, level, withFlush);
  const isGzip = name === 'gzip';
  return {
    name,
    code: (content) => (isGzip ? zlib.gzipSync : zlib.deflateSync)(content, { level }),
    createStream: () =>
      withFlush(isGzip ? zlib.createGzip({ level }) : zlib.createDeflate({ level }), constants.Z_SYNC_FLUSH),
  };
}

function zstdCoding(
  { createZstdCompress, zstdCompressSync, constants }: Zstd,
  level: number,
  withFlush: (stream: Transform, flushKind: number) => CodingStream,
): ContentCoding | undefined {
  const { ZSTD_c_compressionLevel: key, ZSTD_e_flush: flushKind } = constants;
  if (createZstdCompress === undefined || zstdCompressSync === undefined) return undefined;
  if (key === undefined || flushKind === undefined) return undefined;
  const options = { params: { [key]: level } };
  return {
    name: 'zstd',
    code: (content) => zstdCompressSync(content, options),
    createStream: () => withFlush(createZstdCompress(options), flushKind),
  };
}
