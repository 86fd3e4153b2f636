/**
 * Formats what a server sends: heads, the lines around chunks, trailer sections.
 *
 * Rule 1: nothing is checked, changed or added here; callers have checked names and values.
 * Rule 2: the result is a native string, sent as latin-1, so that head and content can leave in one write.
 */

/** The last chunk; a trailer section and an empty line follow (RFC 9112 §7.1). */
export const LAST_CHUNK = '0\r\n';

/**
 * Formats the head of a response (RFC 9112 §4, §5).
 *
 * @param status Status code and reason phrase: `200 OK`
 * @param headers Pairs of name and value
 * @param framing Further field lines, each with its CRLF
 */
export function formatResponseHead(
  status: string,
  headers: readonly (readonly [string, string])[],
  framing: string,
): string {
  return `${formatStatusLine(status)}${formatFields(headers)}${framing}\r\n`;
}

let lastStatus = '200 OK';
let lastLine = 'HTTP/1.1 200 OK\r\n';

/** Keeps the last line, because most responses repeat the status. */
function formatStatusLine(status: string): string {
  if (status !== lastStatus) {
    // RFC 9112 §4: the space after the status code is sent even if the reason phrase is empty.
    lastLine = `HTTP/1.1 ${status}${status.length === 3 ? ' ' : ''}\r\n`;
    lastStatus = status;
  }
  return lastLine;
}

/** Formats the line before a chunk: its size in hexadecimal (RFC 9112 §7.1). */
export function formatChunkHead(size: number): string {
  return `${size.toString(16)}\r\n`;
}

/** Formats the lines of a trailer section, without the empty line after it. */
export function formatTrailers(headers: readonly (readonly [string, string])[]): string {
  return formatFields(headers);
}

function formatFields(headers: readonly (readonly [string, string])[]): string {
  let lines = '';
  for (const [name, value] of headers) lines += `${name}: ${value}\r\n`;
  return lines;
}
