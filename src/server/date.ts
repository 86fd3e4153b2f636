/** The `Date` field (RFC 9110 §6.6.1), formatted once a second. */

let second = -1;
let field = '';

/** Gives the whole field line, with its CRLF. */
export function dateField(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    field = `Date: ${new Date(now * 1000).toUTCString()}\r\n`;
  }
  return field;
}
