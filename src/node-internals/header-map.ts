/**
 * Reads the map that `setHeader` fills: a property of OutgoingMessage under the symbol `kOutHeaders` (since Node 10;
 * checked on 20 to 26).
 *
 * Without the shortcut the documented methods are asked, name by name.
 */
import { OutgoingMessage } from 'node:http';
import { findSymbol, shortcut } from './shortcuts.ts';

/** The headers set on a response: lower-case name → name as it was set, and value. */
export type HeaderMap = Readonly<Record<string, readonly [name: string, value: number | string | string[]]>>;

const MAP = shortcut('kOutHeaders', () => {
  const probe = new OutgoingMessage();
  probe.setHeader('Name', 'value');
  const symbol = findSymbol(probe, 'kOutHeaders');
  return symbol !== undefined && mapAt(symbol, probe)?.name?.[1] === 'value' ? symbol : undefined;
});

function mapAt(symbol: symbol, response: OutgoingMessage): HeaderMap | null | undefined {
  // No type declares the property, and Reflect.get would be a call.
  return (response as unknown as Record<symbol, HeaderMap | null | undefined>)[symbol];
}

/** Gives the map of a response: null if nothing was ever set, undefined if it cannot be known. */
export function headerMapOf(response: OutgoingMessage): HeaderMap | null | undefined {
  return MAP === undefined ? undefined : mapAt(MAP, response);
}

/**
 * Tells if `_storeHeader` got the map of `setHeader`, not the argument of `writeHead`. `writeHead` passes the map too
 * if any field was set before.
 */
export function isHeaderMap(response: OutgoingMessage, headers: object): boolean {
  return MAP === undefined ? response.getHeaderNames().length > 0 : mapAt(MAP, response) === headers;
}
