/** Colours for a terminal. */
import type { WriteStream } from 'node:tty';

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** Colours a text if the stream is a terminal and NO_COLOR is not set (no-color.org). */
export function paint(
  colour: keyof typeof CODES,
  text: string,
  stream: Partial<Pick<WriteStream, 'isTTY'>>,
): string {
  if (stream.isTTY !== true || process.env.NO_COLOR || process.env.TERM === 'dumb') return text;
  const [on, off] = CODES[colour];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}
