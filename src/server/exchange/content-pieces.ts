/**
 * The content of a request in pieces that are worth a turn of the application.
 *
 * To hand over a piece costs a promise and whatever the application does with it, some ten times as much as to parse a
 * chunk. A client that sends chunks of one octet decides on ten thousand of them in each 64 KiB. So the chunks are what
 * the client made them, as with node:http, until it has made many small ones: from then on those that are there are
 * gathered. No octet waits for another.
 */
import type { RequestParser } from '../../http/index.ts';

/** Octets from which a piece is not small. */
const SMALL = 1024;
/** Small pieces of a message that are handed over one by one. */
const MANY = 64;
/** Octets that are gathered at most. */
const ENOUGH = 16_384;

/** Reads the content of one request. */
export class ContentPieces {
  readonly #parser: RequestParser;
  #smallPieces = 0;

  /** @param parser That has just read the head */
  constructor(parser: RequestParser) {
    this.#parser = parser;
  }

  /**
   * Reads a piece of content, or several small ones at once.
   *
   * @returns octets; null if the content has ended; nothing if more octets are needed
   * @throws {@link ProtocolError}
   */
  read(): Uint8Array | null | undefined {
    const piece = this.#parser.readContent();
    if (piece === null || piece === undefined || piece.length >= SMALL) return piece;
    this.#smallPieces += 1;
    return this.#smallPieces > MANY ? this.#gather(piece) : piece;
  }

  #gather(first: Buffer): Buffer {
    const pieces = [first];
    for (let { length } = first; length < ENOUGH; ) {
      const piece = this.#readMore();
      if (piece === null || piece === undefined) break;
      pieces.push(piece);
      length += piece.length;
    }
    return pieces.length === 1 ? first : Buffer.concat(pieces);
  }

  /** The end and an error come again at the next call, after what was gathered before them. */
  #readMore(): Buffer | null | undefined {
    try {
      return this.#parser.readContent();
    } catch {
      return undefined;
    }
  }
}
