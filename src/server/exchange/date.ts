/** The `Date` field (RFC 9110 §6.6.1), formatted once a second. */

let field: string | undefined;

/** Gives the whole field line, with its CRLF. */
export function dateField(): string {
  field ??= formatUntilNextSecond();
  return field;
}

/** A timer forgets it: to ask for the time with every response takes 0.05 µs, as long as to call an application. */
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
