/**
 * What a server in the benchmark is, and the answers that all of them give.
 *
 * Rule 1: every server of a comparison gives the same content and as many fields, so that only the way there differs.
 * Rule 2: each is written as its own documentation writes it, in the form that is cheapest for it.
 * Rule 3: nothing is cached between requests and no option is set: limits and time-outs are those of the box.
 */
import type { Server } from 'node:net';

/** A server that listens on a free port of the loopback interface. */
export interface Contender {
  listen(): Promise<Server>;
}

export const HELLO = 'Hello, world!';
export const HELLO_OCTETS: Buffer = Buffer.from(HELLO);
export const HELLO_LENGTH: string = String(HELLO_OCTETS.length);

/** One piece of a streamed body. */
export const PIECE: Buffer = Buffer.alloc(65_536, 'gatebridge ');
export const PIECES = 1024;
export const STREAM_LENGTH: string = String(PIECE.length * PIECES);

/** Listens as node:net and everything derived from it does. */
export function listenOn<S extends Server>(server: S): Promise<S> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
