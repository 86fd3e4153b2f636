/**
 * Defines a server of the benchmark, and the answers that all of them give.
 *
 * Rule 1: all servers of a comparison send the same content and the same fields.
 * Rule 2: each is written as in its documentation, in its cheapest form.
 * Rule 3: nothing is cached between requests and no option is set: limits and time-outs are the defaults.
 */
import type { Server } from 'node:net';

/** What a server tells about itself: a part of net.Server's surface. */
export type Listening = Pick<Server, 'address' | 'getConnections'>;

/** A server that listens on a free port of the loopback interface. */
export interface Contender {
  listen(): Promise<Listening>;
  /** The ids of further processes that serve, whose CPU time counts too. */
  pids?(): readonly number[];
}

export const HELLO = 'Hello, world!';
export const HELLO_OCTETS: Buffer = Buffer.from(HELLO);
export const HELLO_LENGTH: string = String(HELLO_OCTETS.length);

/** One piece of a streamed body. */
export const PIECE: Buffer = Buffer.alloc(65_536, 'gatebridge ');
export const PIECES = 1024;
export const STREAM_LENGTH: string = String(PIECE.length * PIECES);

/** One server-sent event, of 200 octets. */
export const EVENT: string = `data: ${'gatebridge '.repeat(18).slice(0, 192)}\n\n`;
export const EVENTS = 100;

/** Describes a server that listens elsewhere: in a further process, or on another engine. Nobody counts its connections. */
export function listeningAt(port: number): Listening {
  const address = { address: '127.0.0.1', family: 'IPv4', port };
  const listening: Listening = {
    address: () => address,
    getConnections(callback) {
      callback(null, Number.NaN);
      // The caller is interested in the callback alone.
      return listening as Server;
    },
  };
  return listening;
}

/** Listens on a free port of the loopback interface. */
export function listenOn<S extends Server>(server: S): Promise<S> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
