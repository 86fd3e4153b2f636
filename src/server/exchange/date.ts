/** The `Date` field (RFC 9110 §6.6.1), formatted once a second. */

let date: string | undefined;
let line = '';

/** Gives the field line with its CRLF. */
export function dateField(): string {
  if (date === undefined) formatUntilNextSecond();
  return line;
}

/** Gives the value of the field. */
export function dateValue(): string {
  return date ?? formatUntilNextSecond();
}

/** A timer drops the line, because asking for the time with every response is slow. */
function formatUntilNextSecond(): string {
  const now = Date.now();
  setTimeout(
    () => {
      date = undefined;
    },
    1000 - (now % 1000),
  ).unref();
  const text = new Date(now).toUTCString();
  date = text;
  line = `Date: ${text}\r\n`;
  return text;
}
