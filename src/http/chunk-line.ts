/**
 * The line before a chunk: chunk-size [ chunk-ext ] (RFC 9112 §7.1).
 *
 * Rule 1: chunk-size is 1*HEXDIG: no sign, no `0x`, no `_`, no space (CVE-2023-47627).
 * Rule 2: extensions are ignored, as the RFC demands, but must match the grammar: unchecked octets could hide a line
 *         end that another recipient sees (§7.1.1, CVE-2025-55315).
 */
import { ProtocolError } from '../errors.ts';
import { quote } from './grammar.ts';

/** Hexadecimal digits that a size may have, zeros included. A longer size is Infinity, which no limit allows. */
export const MAX_SIZE_DIGITS = 16;

const SIZE = /^[0-9A-Fa-f]+/;

/** chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ) (RFC 9112 §7.1.1). */
const EXTENSIONS =
  /^(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*$/;

/** The parts of a chunk line. */
export interface ChunkLine {
  /** Octets of data: exact up to 2^53 - 1; Infinity if the size has too many digits. */
  readonly size: number;
  /** Octets of extensions. */
  readonly extensionSize: number;
}

/**
 * Parses a chunk line without its CRLF.
 *
 * @throws {@link ProtocolError}
 */
export function parseChunkLine(line: string): ChunkLine {
  const digits = SIZE.exec(line)?.[0];
  if (digits === undefined) throw new ProtocolError('WSGI_ERR_CHUNK_MALFORMED', quote(line));
  const extensions = line.slice(digits.length);
  if (!EXTENSIONS.test(extensions)) throw new ProtocolError('WSGI_ERR_CHUNK_MALFORMED', quote(line));
  const size = digits.length > MAX_SIZE_DIGITS ? Number.POSITIVE_INFINITY : Number.parseInt(digits, 16);
  return { size, extensionSize: extensions.length };
}
