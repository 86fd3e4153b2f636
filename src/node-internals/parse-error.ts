/**
 * Asks node's own parser what is wrong with the octets of a client: code, reason and place are then those of the Node
 * that runs, whose llhttp differs from version to version.
 *
 * node gives its parser to nobody, but leaves it as `parser` on each socket that a server of its own reads (since
 * Node 0.4; checked on 20 to 26). So a server that never listens is given a stream in the place of a socket. Its
 * requests are made and dropped before any event or channel tells of them.
 */
import { createServer, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import { lateShortcut } from './shortcuts.ts';

/** An error of node's parser. */
export interface ParseError extends Error {
  code: string;
  reason: string;
  bytesParsed: number;
  rawPacket?: Buffer;
}

/** Octets of a client. */
export interface ClientOctets {
  /** Native string: the begun part of the message, as far as it was consumed. */
  readonly consumed: string;
  /** The octets after it. They end with the packet. */
  readonly rest: Buffer;
  /** The octets that came last. */
  readonly packet: Buffer;
}

/** A stream that node's server reads. */
interface ReadStream extends Duplex {
  readonly parser?: { onIncoming: unknown } | null;
}

/**
 * Gives the error of node's parser for octets of a client.
 *
 * @param maxHeaderSize node's option
 * @returns the error; undefined if node accepts the octets
 */
export function parseErrorOf(
  { consumed, rest, packet }: ClientOctets,
  maxHeaderSize: number,
): ParseError | undefined {
  const judge = findJudge();
  if (judge === undefined) return undefined;
  const octets = Buffer.concat([Buffer.from(consumed, 'latin1'), rest]);
  // Octets of the message in earlier packets; negative if earlier messages are in this packet.
  const earlier = octets.length - packet.length;
  const start = Math.max(0, earlier);
  const { error, part } = judge([octets.subarray(0, start), octets.subarray(start)], maxHeaderSize);
  if (error === undefined) return undefined;
  const place = error.bytesParsed + (part === 0 ? 0 : start);
  error.bytesParsed = Math.min(packet.length, Math.max(0, place - earlier));
  error.rawPacket = packet;
  return error;
}

/** In the place of node's function, which makes and emits a request. */
function dropRequest(): number {
  return 0;
}

/** The error that was found, and its place in the octets. */
interface Verdict {
  readonly error?: ParseError;
  readonly part?: number;
}

const findJudge = lateShortcut('parser of a socket', () => {
  let server: Server | undefined;
  let error: ParseError | undefined;

  /** A server whose events nobody else sees, whatever tools have patched. */
  function createJudge(): Server {
    const judge = createServer();
    const emit = (event: string, value: unknown): boolean => {
      // node's server passes errors of its parser.
      if (event === 'clientError') error ??= value as ParseError;
      return true;
    };
    return Object.assign(judge, { emit });
  }

  /** Gives parts of octets to the parser, one after another. */
  function judge(parts: readonly Buffer[], maxHeaderSize: number): Verdict {
    server ??= createJudge();
    // node reads it for each connection; types do not know it.
    Reflect.set(server, 'maxHeaderSize', maxHeaderSize);
    error = undefined;
    const stream: ReadStream = new Duplex({ read() {}, write: (_octets, _encoding, done) => done() });
    const [accept] = server.listeners('connection');
    if (accept !== undefined) Reflect.apply(accept, server, [stream]);
    const { parser } = stream;
    if (parser !== undefined && parser !== null) {
      parser.onIncoming = dropRequest;
      for (const [part, octets] of parts.entries()) {
        if (octets.length > 0) stream.emit('data', octets);
        if (error !== undefined) {
          stream.destroy();
          return { error, part };
        }
      }
    }
    stream.destroy();
    return {};
  }

  return judge([Buffer.from('\0')], 0).error === undefined ? undefined : judge;
});
