/**
 * Field lines as they are sent, remembered: most fields of a response say what they said in the response before.
 *
 * Rule 1: one line for each name, the last one; how many, and how long, is bounded.
 * Rule 2: a line is kept only once it has been repeated: to keep one costs as much as to put it together three times.
 */
import { inOnePiece } from './one-piece.ts';

/** Applications use few names again and again. */
const MAX_LINES = 1024;
const MAX_NAME = 64;
const MAX_VALUE = 1024;

/** What was said last under a name. */
interface LastLine {
  value: string;
  /** The whole line, once the value has been repeated. */
  line: string | undefined;
}

const lastLines = new Map<string, LastLine>();

/** Gives the line of a field, with its CRLF (RFC 9112 §5). */
export function formatFieldLine(name: string, value: string): string {
  const last = lastLines.get(name);
  if (last === undefined || last.value !== value) return formatAnew(name, value, last);
  last.line ??= inOnePiece(join(name, value));
  return last.line;
}

function formatAnew(name: string, value: string, last: LastLine | undefined): string {
  if (value.length <= MAX_VALUE) {
    if (last !== undefined) {
      last.value = value;
      last.line = undefined;
    } else if (lastLines.size < MAX_LINES && name.length <= MAX_NAME) {
      lastLines.set(name, { value, line: undefined });
    }
  }
  return join(name, value);
}

function join(name: string, value: string): string {
  return `${name}: ${value}\r\n`;
}
