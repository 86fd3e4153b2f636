/** The length of chunks. */
import { encodeUtf8 } from '../gateway/platform.ts';
import type { Chunk } from '../wsgi.ts';

/** Gives the octets of a chunk; NaN for what is none, which the gateway refuses. */
export function chunkSize(chunk: Chunk): number {
  if (typeof chunk === 'string') return encodeUtf8(chunk).length;
  return ArrayBuffer.isView(chunk) ? chunk.byteLength : Number.NaN;
}
