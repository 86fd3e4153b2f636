/**
 * Saves the look-up of the encoding in each `toString('latin1')`: calls `latin1Slice` of Buffer (since Node 0.11;
 * checked on 20 to 26).
 *
 * Without the shortcut `toString` is called.
 */
import { Buffer } from 'node:buffer';
import { shortcut } from './shortcuts.ts';

interface SlicingBuffer extends Buffer {
  latin1Slice?(start: number, end: number): string;
}

const isKnown = shortcut('latin1Slice', () => ('latin1Slice' in Buffer.prototype ? true : undefined));

/**
 * Octets up to which content is sent as text: node writes a string without a buffer in between, and joins it with the head
 * that is a string already. Above it, the copy costs more than that saves.
 */
export const TEXT_LIMIT = 2048;

/** Makes a native string of octets. */
export function latin1Text(octets: Uint8Array): string {
  const buffer: SlicingBuffer = Buffer.isBuffer(octets)
    ? octets
    : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  return isKnown === true && buffer.latin1Slice !== undefined
    ? buffer.latin1Slice(0, buffer.length)
    : buffer.toString('latin1');
}
