/**
 * Reads `headers` of a request without making them: node makes the object when somebody first asks, and keeps it under
 * the symbol `kHeaders` (since Node 15; checked on 20 to 26).
 *
 * Without the shortcut the object is always made.
 */
import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestMessage } from './message-types.ts';
import { findSymbol, shortcut } from './shortcuts.ts';

const MADE = shortcut('kHeaders', () => {
  // checkMessageMethods names what is missing.
  if (!('_addHeaderLines' in IncomingMessage.prototype)) return undefined;
  const probe = createProbe(['Name', 'value'], false);
  const symbol = findSymbol(probe, 'kHeaders');
  if (symbol === undefined || (madeAt(symbol, probe) ?? undefined) !== undefined) return undefined;
  return probe.headers === madeAt(symbol, probe) ? symbol : undefined;
});

function createProbe(lines: readonly string[], joinDuplicateHeaders: boolean): RequestMessage {
  const probe: RequestMessage = Reflect.construct(IncomingMessage, []);
  probe.joinDuplicateHeaders = joinDuplicateHeaders;
  probe._addHeaderLines([...lines], lines.length);
  return probe;
}

function madeAt(symbol: symbol, request: object): IncomingHttpHeaders | null | undefined {
  // No type declares the property, and Reflect.get would be a call.
  return (request as Record<symbol, IncomingHttpHeaders | null | undefined>)[symbol];
}

/**
 * Gives the headers of a request if somebody may have changed them.
 *
 * @returns undefined if nobody has ever asked for them, so that they are what was received
 */
export function madeHeadersOf(request: IncomingMessage): IncomingHttpHeaders | undefined {
  if (MADE === undefined) return request.headers;
  const made = madeAt(MADE, request);
  if (made === null) return undefined;
  // Requests of other classes, such as light-my-request's, have no such symbol.
  return made ?? request.headers;
}

/** Gives the headers that node makes of field lines. */
export function headersOfLines(lines: readonly string[], joinDuplicateHeaders: boolean): IncomingHttpHeaders {
  return createProbe(lines, joinDuplicateHeaders).headers;
}
