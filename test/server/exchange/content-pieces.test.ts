import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/errors.ts';
import { DEFAULT_LIMITS, RequestParser } from '../../../src/http/index.ts';
import { ContentPieces } from '../../../src/server/exchange/content-pieces.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const CHUNK = '1\r\nx\r\n';
const END = '0\r\nX: y\r\n\r\n';

function begin(content: string): { pieces: ContentPieces; parser: RequestParser } {
  const parser = new RequestParser(DEFAULT_LIMITS);
  parser.push(Buffer.from(HEAD + content));
  parser.readHead();
  return { pieces: new ContentPieces(parser), parser };
}

/** Reads all available pieces and returns their lengths. */
function readLengths(pieces: ContentPieces): number[] {
  const lengths: number[] = [];
  for (let piece = pieces.read(); piece; piece = pieces.read()) lengths.push(piece.length);
  return lengths;
}

describe('ContentPieces', () => {
  it('keeps the chunks of the client', () => {
    const { pieces, parser } = begin(`${CHUNK.repeat(60)}${END}`);
    expect(readLengths(pieces)).toEqual(Array.from({ length: 60 }, () => 1));
    expect(pieces.read()).toBeNull();
    expect(parser.trailers).toEqual(['X', 'y']);
  });

  it('joins many small chunks, up to a size', () => {
    const { pieces } = begin(`${CHUNK.repeat(30_000)}${END}`);
    const lengths = readLengths(pieces);
    expect(lengths.length).toBeLessThan(70);
    expect(Math.max(...lengths)).toBe(16_384);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(30_000);
    expect(pieces.read()).toBeNull();
  });

  it('gives large chunks beside small ones', () => {
    const octets = Buffer.from(`${HEAD}${CHUNK.repeat(100)}1000\r\n${'y'.repeat(4096)}\r\n${END}`);
    const parser = new RequestParser(DEFAULT_LIMITS);
    parser.push(octets);
    parser.readHead();
    const pieces = new ContentPieces(parser);
    const read: Uint8Array[] = [];
    for (let piece = pieces.read(); piece; piece = pieces.read()) read.push(piece);
    expect(Buffer.concat(read).toString()).toBe('x'.repeat(100) + 'y'.repeat(4096));
  });

  it('returns what has arrived without waiting', () => {
    const { pieces, parser } = begin(CHUNK.repeat(70));
    expect(readLengths(pieces).reduce((sum, length) => sum + length, 0)).toBe(70);
    expect(pieces.read()).toBeUndefined();
    parser.push(Buffer.from(CHUNK));
    expect(Buffer.from(pieces.read() ?? '').toString()).toBe('x');
    parser.push(Buffer.from(END));
    expect(pieces.read()).toBeNull();
  });

  it('gives the pieces before an error first', () => {
    const { pieces } = begin(`${CHUNK.repeat(70)}not a size\r\n`);
    const lengths: number[] = [];
    const readAll = (): void => {
      for (let piece = pieces.read(); piece; piece = pieces.read()) lengths.push(piece.length);
    };
    expect(readAll).toThrow(ProtocolError);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(70);
    expect(() => pieces.read()).toThrow(ProtocolError);
  });
});
