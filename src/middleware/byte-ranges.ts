/** The Range field (RFC 9110 §14). */

/** A part of the content, in octets. */
export interface ByteRange {
  readonly start: number;
  /** The octet after the last one. */
  readonly end: number;
}

/**
 * Parses a Range field.
 *
 * @param size Octets of the whole content
 * @param most The greatest number of ranges
 * @returns undefined if the field does not count: it is malformed, of another unit, has too many ranges, or ranges that overlap
 *   (RFC 9110 §14.2). An empty list if no range can be satisfied
 */
export function parseRanges(field: string, size: number, most: number): ByteRange[] | undefined {
  const [, set] = /^[ \t]*bytes=(.*)$/i.exec(field) ?? [];
  if (set === undefined || set.length > MOST_CHARACTERS) return undefined;
  const specs = set
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0 || specs.length > most) return undefined;
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const [, first, last] = /^([0-9]*)-([0-9]*)$/.exec(spec) ?? [];
    if (first === undefined || last === undefined || first + last === '') return undefined;
    if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
    const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
    const end = first === '' || last === '' ? size : Math.min(Number(last) + 1, size);
    if (start < end) ranges.push({ start, end });
  }
  return overlap(ranges) ? undefined : ranges;
}

const MOST_CHARACTERS = 4096;

function overlap(ranges: readonly ByteRange[]): boolean {
  const sorted = [...ranges].sort((one, other) => one.start - other.start);
  return sorted.some(({ start }, index) => index > 0 && start < (sorted[index - 1]?.end ?? 0));
}
