/**
 * Reads the content of a request in pieces that are worth a turn of the application.
 *
 * A piece costs a promise and the application's own work, far more than parsing a chunk, and a client may send
 * thousands of chunks of one octet in a packet. So pieces are the client's chunks, as on node:http, until it has sent
 * many small ones. From then on those that are there are gathered. No octet waits for another.
 */
import type { RequestParser } from '../../http/index.ts';

/** Octets from which a piece is not small. */
const SMALL_PIECE = 1024;
/** Small pieces of a message that are passed on one by one. */
const MANY_PIECES = 64;
/** Octets from which no more pieces are gathered. */
const GATHER_LIMIT = 16_384;

/** Reads a piece of content, as a parser does. */
export type PieceReader = Pick<RequestParser, 'readContent'>;

/** Reads the content of one request. */
export class ContentPieces {
  readonly #parser: PieceReader;
  #smallPieces = 0;

  /** @param parser Has just read the head */
  constructor(parser: PieceReader) {
    this.#parser = parser;
  }

  /**
   * Reads a piece of content, or several small ones at once.
   *
   * @returns octets; null at the end; undefined if more octets are needed
   * @throws {@link ProtocolError}
   */
  read(): Uint8Array | null | undefined {
    const piece = this.#parser.readContent();
    if (piece === null || piece === undefined || piece.length >= SMALL_PIECE) return piece;
    this.#smallPieces += 1;
    return this.#smallPieces > MANY_PIECES ? this.#gather(piece) : piece;
  }

  #gather(first: Buffer): Buffer {
    const pieces = [first];
    for (let { length } = first; length < GATHER_LIMIT; ) {
      const piece = this.#readMore();
      if (piece === null || piece === undefined) break;
      pieces.push(piece);
      length += piece.length;
    }
    return pieces.length === 1 ? first : Buffer.concat(pieces);
  }

  /** Ignores an error: it comes again at the next call, after the gathered octets. */
  #readMore(): Buffer | null | undefined {
    try {
      return this.#parser.readContent();
    } catch {
      return undefined;
    }
  }
}
