/** The codec alone: frames, however they are cut, and the words of an environ, whatever octets they have. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeHead,
  encodeFrame,
  encodeFrameHeader,
  encodeNumber,
  encodeRequest,
  FRAMES,
  FrameReader,
} from '../../../bridges/python/frames.ts';

type Frame = [kind: number, payload: string];

/** Reads octets that arrive in pieces. */
function read(pieces: readonly Uint8Array[]): Frame[] {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for (const piece of pieces) {
    reader.push(Buffer.from(piece), (kind, payload) => frames.push([kind, payload.toString('latin1')]));
  }
  return frames;
}

/** Cuts octets at places given as fractions. */
function cut(octets: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => Math.floor(place * octets.length)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => octets.subarray(start, at[index] ?? octets.length));
}

/** Reads a request as the worker does. */
function wordsOf(frame: Buffer): { flags: number; words: string[] } {
  expect(frame.readUInt32BE(1)).toBe(frame.length - 5);
  const payload = frame.subarray(5);
  const length = payload[1] ?? 0;
  const separator = payload.toString('latin1', 2, 2 + length);
  return { flags: payload[0] ?? 0, words: payload.toString('latin1', 2 + length).split(separator) };
}

const kind = fc.constantFrom(...Object.values(FRAMES));
const frame = fc.tuple(kind, fc.uint8Array({ maxLength: 300 }));

describe('frames', () => {
  it('are the same however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
        (sent, places) => {
          const octets = Buffer.concat(sent.map(([kind, payload]) => encodeFrame(kind, payload)));
          const expected = sent.map(([kind, payload]) => [kind, Buffer.from(payload).toString('latin1')]);
          expect(read(cut(octets, places))).toEqual(expected);
        },
      ),
    );
  });

  it('are the same octet by octet', () => {
    const octets = Buffer.concat([
      encodeNumber(FRAMES.CREDIT, 262_144),
      encodeFrame(FRAMES.END),
      encodeFrame(FRAMES.LOG, 'é\n'),
    ]);
    const expected = [
      [FRAMES.CREDIT, '\0\x04\0\0'],
      [FRAMES.END, ''],
      [FRAMES.LOG, '\xc3\xa9\n'],
    ];
    expect(read([...octets].map((octet) => Uint8Array.of(octet)))).toEqual(expected);
    expect(read([octets])).toEqual(expected);
  });

  it('may have their payload sent on its own', () => {
    const payload = Buffer.alloc(100_000, 'x');
    const whole = encodeFrame(FRAMES.CONTENT, payload);
    expect(Buffer.concat([encodeFrameHeader(FRAMES.CONTENT, payload.length), payload]).equals(whole)).toBe(
      true,
    );
  });
});

/** Texts that are likely to look like a separator. */
const word = fc.oneof(
  fc
    .array(fc.constantFrom('\0', '\x01', '0', '1', 'a', '\xff'), { maxLength: 12 })
    .map((characters) => characters.join('')),
  fc.uint8Array().map((octets) => Buffer.from(octets).toString('latin1')),
);

describe('the words of a request', () => {
  it('are octets of any kind', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), fc.nat(7), (words, flags) => {
        expect(wordsOf(encodeRequest(words, flags))).toEqual({ flags, words });
      }),
      { numRuns: 1_000 },
    );
  });

  it('are separated by NUL if none has one', () => {
    const request = encodeRequest(['PATH_INFO', '/', 'QUERY_STRING', ''], 1);
    expect(request.toString('latin1')).toBe('R\0\0\0\x1c\x01\x01\0PATH_INFO\0/\0QUERY_STRING\0');
  });

  it('cannot use up the separators', () => {
    const path = Array.from({ length: 5_000 }, (_, number) => `\0${number}\x01`).join('');
    const words = ['PATH_INFO', path, 'QUERY_STRING', ''];
    expect(wordsOf(encodeRequest(words, 0)).words).toEqual(words);
  });
});

describe('a head', () => {
  it('has a status and headers, in order', () => {
    const payload = Buffer.from('\x01200 OK\0Set-Cookie\0a=1\0Set-Cookie\0b=\xe9\0X-Empty\0', 'latin1');
    expect(decodeHead(payload)).toEqual({
      isWhole: true,
      status: '200 OK',
      headers: [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=\xe9'],
        ['X-Empty', ''],
      ],
    });
    expect(decodeHead(Buffer.from('\x00204 No Content'))).toEqual({
      isWhole: false,
      status: '204 No Content',
      headers: [],
    });
  });
});
