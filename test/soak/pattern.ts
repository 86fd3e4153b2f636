/** Octets that both sides know, and a digest to compare them. */
import { createHash } from 'node:crypto';
import { Random } from '../fuzz/random.ts';

export const PATTERN: Buffer = createPattern(1_048_576);

function createPattern(size: number): Buffer {
  const random = new Random(1);
  const block = Buffer.from(Array.from({ length: 65_521 }, () => random.below(256)));
  return Buffer.concat(Array.from({ length: Math.ceil(size / block.length) }, () => block)).subarray(0, size);
}

export function digest(octets: Uint8Array): string {
  return createHash('sha1').update(octets).digest('hex');
}
