/** The `Date` field (RFC 9110 §6.6.1), formatted once a second. */

let field: string | undefined;

/** Gives the field line with its CRLF. */
export function dateField(): string {
  field ??= formatUntilNextSecond();
  return field;
}

/** A timer drops the line, because asking for the time with every response is slow. */
function formatUntilNextSecond(): string {
  const now = Date.now();
  setTimeout(
    () => {
      field = undefined;
    },
    1000 - (now % 1000),
  ).unref();
  return `Date: ${new Date(now).toUTCString()}\r\n`;
}
