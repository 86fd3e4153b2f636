/** Name-value pairs of FastCGI 1.0 (specification §3.4): parameters, and what is known of a connection. Strings are native strings. */

/** Octets of the content of one record that holds whole pairs. */
const MAX_RECORD = 65_528;

type Pair = readonly [name: string, value: string];

/**
 * Writes pairs.
 *
 * @returns contents of records, each with whole pairs: php-fpm reads no pair that goes on in another record. One that is
 *   larger than a record stands alone
 */
export function encodeNameValues(pairs: Iterable<Pair>): Buffer[] {
  const contents: Buffer[] = [];
  let together: Pair[] = [];
  let size = 0;
  for (const pair of pairs) {
    const own = sizeOf(pair);
    if (size > 0 && size + own > MAX_RECORD) {
      contents.push(join(together));
      together = [];
      size = 0;
    }
    together.push(pair);
    size += own;
  }
  if (size > 0) contents.push(join(together));
  return contents;
}

function sizeOf([name, value]: Pair): number {
  return sizeOfLength(name.length) + sizeOfLength(value.length) + name.length + value.length;
}

/** One octet up to 127, else four with the highest bit set. */
function sizeOfLength(length: number): number {
  return length < 0x80 ? 1 : 4;
}

function join(pairs: readonly Pair[]): Buffer {
  // One string that is written once costs less than writing each.
  let text = '';
  for (const [name, value] of pairs) text += lengthOf(name) + lengthOf(value) + name + value;
  return Buffer.from(text, 'latin1');
}

/** Gives the length of a string as octets, one a character. */
function lengthOf({ length }: string): string {
  if (sizeOfLength(length) === 1) return String.fromCharCode(length);
  return String.fromCharCode(
    (length >>> 24) | 0x80,
    (length >>> 16) & 0xff,
    (length >>> 8) & 0xff,
    length & 0xff,
  );
}

/**
 * Reads pairs.
 *
 * @param content The whole stream
 * @throws Error if a pair is incomplete
 */
export function decodeNameValues(content: Buffer): Map<string, string> {
  const pairs = new Map<string, string>();
  let at = 0;
  const takeLength = (): number => {
    const first = content[at] ?? 0;
    const isLong = first >= 0x80;
    const start = at;
    at += isLong ? 4 : 1;
    if (at > content.length) throw incomplete();
    return isLong ? content.readUInt32BE(start) & 0x7fffffff : first;
  };
  const takeText = (length: number): string => {
    const start = at;
    at += length;
    if (at > content.length) throw incomplete();
    return content.toString('latin1', start, at);
  };
  while (at < content.length) {
    const nameLength = takeLength();
    const valueLength = takeLength();
    const name = takeText(nameLength);
    pairs.set(name, takeText(valueLength));
  }
  return pairs;
}

function incomplete(): Error {
  return new Error('a name-value pair is incomplete (FastCGI §3.4)');
}
