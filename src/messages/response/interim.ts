/**
 * Takes interim responses and the trailer section from node's text and gives them to the gateway.
 *
 * node checks and formats both, but each version in another method; only the text is common to all. Both are rare, so
 * parsing it again costs little.
 */
import type { Environ, HeaderList } from '../../wsgi.ts';

/**
 * Sends an interim response through the gateway: 103 by `gateway.early_hints`, others by `gateway.informational`.
 *
 * Drops 100: the gateway sends it itself, once, when the content is first read.
 *
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

/** Gives the trailer section to the gateway, if it takes one. */
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
