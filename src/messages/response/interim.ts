/**
 * What node hands over as text besides the response itself: interim responses and the trailer section.
 *
 * node has checked and formatted both, in every version in another method; the text is the one place where they
 * meet, and both are rare, so that here text is taken apart again.
 */
import type { Environ, HeaderList } from '../../wsgi.ts';

/**
 * Sends an interim response through the gateway: 103 by `gateway.early_hints`, others by `gateway.informational`.
 *
 * 100 is not passed on: the gateway sends it itself when the content is first read, and only once.
 *
 * @param environ The environ of the request
 * @param text The head as node formats it
 */
export function sendInterim(environ: Environ, text: string): void {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const statusCode = Number(statusLine.split(' ', 2)[1]);
  const fields = parseLines(lines);
  const hint = environ['gateway.early_hints'];
  const inform = environ['gateway.informational'];
  if (statusCode === 103 && typeof hint === 'function') hint(fields);
  else if (statusCode !== 100 && typeof inform === 'function') inform(statusCode, fields);
}

/** Hands the trailer section to the gateway, if it takes one. */
export function sendTrailers(environ: Environ, text: string): void {
  const send = environ['gateway.send_trailers'];
  if (typeof send === 'function') send(parseLines(text.split('\r\n')));
}

function parseLines(lines: readonly string[]): HeaderList {
  const fields: HeaderList = [];
  for (const line of lines) {
    const colon = line.indexOf(': ');
    if (colon !== -1) fields.push([line.slice(0, colon), line.slice(colon + 2)]);
  }
  return fields;
}
