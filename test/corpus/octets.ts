/** The notation of octets in the corpus; README.md explains it. */

/** Octets that are sent at once, after a pause. */
export interface Piece {
  readonly octets: Buffer;
  /** Milliseconds. */
  readonly pause: number;
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', 0: '\0', '\\': '\\' };
const ELEMENT = /<(\d+)×|<(\d+) ms>|\\x([0-9a-f]{2})|\\([rnt0\\])|([\x20-\x5b\x5d-\x7e])/y;

/** Added to the milliseconds of a pause, which gives a code unit that no octet has. */
const PAUSES = 0x1000;
const PAUSE = /[\u1000-\uffff]/g;

/**
 * Decodes a notation.
 *
 * @throws Error if a part stands for no octets, or if a line begins or ends with a space, which is invisible
 */
export function decodeOctets(notation: string): Buffer {
  return Buffer.from(decode(notation).replaceAll(PAUSE, ''), 'latin1');
}

/** Gives the same octets, cut where the notation has pauses. */
export function decodePieces(notation: string): Piece[] {
  const text = decode(notation);
  const pauses = [0, ...(text.match(PAUSE) ?? []).map((pause) => pause.charCodeAt(0) - PAUSES)];
  return text
    .split(PAUSE)
    .map((octets, index) => ({ octets: Buffer.from(octets, 'latin1'), pause: pauses[index] ?? 0 }));
}

function decode(notation: string): string {
  return notation.split('\n').map(decodeLine).join('');
}

function decodeLine(line: string): string {
  if (line !== line.trim()) throw new Error(`Write a space at either end as \\x20: ${JSON.stringify(line)}`);
  const { decoded, end } = decodeFrom(line, 0, false);
  if (end !== line.length) throw new Error(`Notation stands for no octets: ${line.slice(end)}`);
  return decoded;
}

/** Decodes up to the end of the line or of the repetition. */
function decodeFrom(line: string, start: number, isRepeated: boolean): { decoded: string; end: number } {
  let decoded = '';
  let at = start;
  while (at < line.length && !(isRepeated && line[at] === '>')) {
    ELEMENT.lastIndex = at;
    const match = ELEMENT.exec(line);
    if (match === null) break;
    const [whole, count, pause, hexadecimal, escaped, octet = ''] = match;
    at += whole.length;
    if (count !== undefined) {
      const inner = decodeFrom(line, at, true);
      if (line[inner.end] !== '>') throw new Error(`Repetition has no end: ${line.slice(at)}`);
      decoded += inner.decoded.repeat(Number(count));
      at = inner.end + 1;
    } else if (pause !== undefined) decoded += String.fromCharCode(PAUSES + Number(pause));
    else if (hexadecimal !== undefined) decoded += String.fromCharCode(Number.parseInt(hexadecimal, 16));
    else decoded += escaped === undefined ? octet : (ESCAPES[escaped] ?? '');
  }
  return { decoded, end: at };
}
