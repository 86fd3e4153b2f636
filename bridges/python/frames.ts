/**
 * The frames between gateway and worker, without I/O. `gatebridge_worker.py` is the other end.
 *
 * A frame is a kind (1 octet), the length of its payload (4 octets, big-endian) and the payload. One lane serves one request at a
 * time, in this order:
 *
 *     gateway → worker   REQUEST  CONTENT*  CONTENT_END or CONTENT_FAILED  CREDIT*  ABORT?
 *     worker → gateway   WANT*  LOG*  HEAD  DATA*  END or FAILED  IDLE
 *
 * - CONTENT answers WANT, which says how many octets may come; without a reader none are sent.
 * - DATA may have {@link WINDOW} octets on their way; CREDIT says how many of them the client has taken.
 * - IDLE is the end of everything: the application is closed. What comes afterwards about the request is ignored by both.
 *
 * Names and values of an environ are octets of any kind. They go as one latin-1 text with a separator that occurs in none of
 * them, because Python splits a text faster than it reads lengths.
 */
import type { HeaderList } from '../../src/index.ts';

/** The kinds of frames, by their octets. */
export const FRAMES = {
  // Gateway to worker, on a lane.
  REQUEST: 0x52,
  CONTENT: 0x43,
  CONTENT_END: 0x45,
  CONTENT_FAILED: 0x58,
  CREDIT: 0x4b,
  ABORT: 0x41,
  // Worker to gateway, on a lane.
  HEAD: 0x48,
  DATA: 0x44,
  END: 0x45,
  FAILED: 0x46,
  WANT: 0x57,
  LOG: 0x4c,
  IDLE: 0x49,
  // On the control channel.
  SETUP: 0x53,
  READY: 0x59,
  BROKEN: 0x42,
  RETIRE: 0x51,
  OLD_VERSION: 0x56,
} as const;

/** Octets of a response that the worker may send before the client has taken any. */
export const WINDOW = 262_144;

/** Facts about a request besides its environ. They are added up. */
export const REQUEST_FLAGS = { hasContent: 1, isMultiprocess: 2, isRunOnce: 4 } as const;

const HEADER_LENGTH = 5;
const WHOLE = 1;

/** Takes one frame. The payload is a view of received octets. */
export type FrameListener = (kind: number, payload: Buffer) => void;

/** Makes a frame. */
export function encodeFrame(kind: number, payload: Uint8Array | string = ''): Buffer {
  const octets = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const frame = Buffer.allocUnsafe(HEADER_LENGTH + octets.length);
  frame[0] = kind;
  frame.writeUInt32BE(octets.length, 1);
  frame.set(octets, HEADER_LENGTH);
  return frame;
}

/** Makes the beginning of a frame whose payload is sent on its own. */
export function encodeFrameHeader(kind: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_LENGTH);
  header[0] = kind;
  header.writeUInt32BE(length, 1);
  return header;
}

/** Makes a frame with a number. */
export function encodeNumber(kind: number, number: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_LENGTH + 4);
  frame[0] = kind;
  frame.writeUInt32BE(4, 1);
  frame.writeUInt32BE(number, HEADER_LENGTH);
  return frame;
}

/**
 * Makes the frame of a request.
 *
 * @param words Names and values in turn: native strings
 * @param flags The sum of {@link REQUEST_FLAGS}
 */
export function encodeRequest(words: readonly string[], flags: number): Buffer {
  const separator = separatorOf(words);
  const text = words.join(separator);
  const start = HEADER_LENGTH + 2 + separator.length;
  const frame = Buffer.allocUnsafe(start + text.length);
  frame[0] = FRAMES.REQUEST;
  frame.writeUInt32BE(frame.length - HEADER_LENGTH, 1);
  frame[HEADER_LENGTH] = flags;
  frame[HEADER_LENGTH + 1] = separator.length;
  frame.write(separator, HEADER_LENGTH + 2, 'latin1');
  frame.write(text, start, 'latin1');
  return frame;
}

/**
 * Gives NUL, or a longer text if a word has a NUL in it, as a path with %00 has.
 *
 * The longer one has its NUL at the start alone, so it cannot be found across the end of a word.
 */
function separatorOf(words: readonly string[]): string {
  const odd = words.filter((word) => word.includes('\0'));
  if (odd.length === 0) return '\0';
  const taken = new Set(odd.flatMap((word) => word.match(LONG_SEPARATOR) ?? []));
  let number = 0;
  while (taken.has(`\0${number}\x01`)) number += 1;
  return `\0${number}\x01`;
}

// The octets are what is looked for.
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const LONG_SEPARATOR = /\0\d+\x01/g;

/** The head of a response, as it was sent. */
export interface PythonHead {
  /** All content comes with the head, as from a list. */
  readonly isWhole: boolean;
  readonly status: string;
  readonly headers: HeaderList;
}

/** Reads the payload of HEAD: a flag, then status, names and values, separated by NUL. */
export function decodeHead(payload: Buffer): PythonHead {
  const words = payload.toString('latin1', 1).split('\0');
  const headers: HeaderList = [];
  for (let index = 1; index + 1 < words.length; index += 2) {
    headers.push([words[index] ?? '', words[index + 1] ?? '']);
  }
  return { isWhole: payload[0] === WHOLE, status: words[0] ?? '', headers };
}

/** Cuts received octets into frames. */
export class FrameReader {
  /** The beginning of a frame that is not complete. */
  #pieces: Buffer[] = [];
  #length = 0;
  /** The length of that frame, or of its header until that is complete. */
  #wanted = HEADER_LENGTH;

  /** Takes octets, and gives each frame that they complete. */
  push(octets: Buffer, onFrame: FrameListener): void {
    let received = octets;
    if (this.#length > 0) {
      this.#pieces.push(octets);
      this.#length += octets.length;
      if (this.#length < this.#wanted) return;
      received = Buffer.concat(this.#pieces, this.#length);
      this.#pieces = [];
      this.#length = 0;
    }
    let start = 0;
    while (received.length - start >= HEADER_LENGTH) {
      const end = start + HEADER_LENGTH + received.readUInt32BE(start + 1);
      if (end > received.length) break;
      onFrame(received[start] ?? 0, received.subarray(start + HEADER_LENGTH, end));
      start = end;
    }
    const rest = received.length - start;
    if (rest === 0) return;
    this.#pieces = [start === 0 ? received : received.subarray(start)];
    this.#length = rest;
    this.#wanted = rest < HEADER_LENGTH ? HEADER_LENGTH : HEADER_LENGTH + received.readUInt32BE(start + 1);
  }
}
