/** Name-value pairs of FastCGI 1.0 (specification §3.4): parameters, and what is known of a connection. Strings are native strings. */

/** Octets of the content of one record that holds whole pairs. */
export const MAX_PAIRS = 65_528;

type Pair = readonly [name: string, value: string];

/**
 * Writes pairs.
 *
 * @returns contents of records, each with whole pairs: php-fpm reads no pair that goes on in another record. One that is
 *   larger than a record stands alone
 */
export function encodeNameValues(pairs: Iterable<Pair>): Buffer[] {
  const contents: string[] = [];
  let content = '';
  for (const [name, value] of pairs) {
    const pair = encodeNameValue(name, value);
    if (content !== '' && content.length + pair.length > MAX_PAIRS) {
      contents.push(content);
      content = '';
    }
    content += pair;
  }
  if (content !== '') contents.push(content);
  return contents.map((one) => Buffer.from(one, 'latin1'));
}

/** Writes one pair, as a native string. */
export function encodeNameValue(name: string, value: string): string {
  return lengthOf(name) + lengthOf(value) + name + value;
}

/** Gives the length of a string: one octet up to 127, else four with the highest bit set. */
function lengthOf({ length }: string): string {
  if (length < 0x80) return String.fromCharCode(length);
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
