/** Decides which chunks of an application node may refer to while they wait to be sent. */
import type { ServerResponse } from 'node:http';
import { isStandIn } from '../../src/node-internals/index.ts';

/** Octets up to which a chunk is copied. Node keeps it until the end of the tick, or for as long as the client is slow. */
export const COPY_LIMIT: number = 16_384;

/** Copies a small chunk for a stand-in for a socket: it looks empty before the host below has anything. */
export function heldBelow<Chunk extends Uint8Array | undefined>(
  res: ServerResponse,
  chunk: Chunk,
): Chunk | Buffer {
  return chunk !== undefined && chunk.length <= COPY_LIMIT && isStandIn(res.socket)
    ? Buffer.from(chunk)
    : chunk;
}

/** Tells if a chunk of {@link heldBelow} is still the application's. */
export function refersBelow(res: ServerResponse, chunk: Uint8Array | undefined): boolean {
  return chunk !== undefined && chunk.length > COPY_LIMIT && isStandIn(res.socket);
}
