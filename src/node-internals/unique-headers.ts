/**
 * The option `uniqueHeaders` of http.createServer: the lists of these fields are joined by `; `. node keeps the names of
 * a response under the symbol `kUniqueHeaders` (checked on Node 20 to 26).
 */
import { Server } from 'node:http';
import type { ResponseMessage } from './message-types.ts';
import { findSymbol } from './shortcuts.ts';

let symbol: symbol | undefined;

/** Gives the option in the form in which responses have it; undefined if this Node has no such thing. */
export function parseUniqueHeaders(uniqueHeaders: readonly string[]): unknown {
  // node parses it. The server never listens.
  const server = new Server({ uniqueHeaders: [...uniqueHeaders] });
  symbol = findSymbol(server, 'kUniqueHeaders');
  return symbol === undefined ? undefined : Reflect.get(server, symbol);
}

/** Sets the names of a response. */
export function setUniqueHeaders(response: object, parsed: unknown): void {
  if (symbol !== undefined) Reflect.set(response, symbol, parsed);
}

/** Tells if the values of a field are joined. */
export function isUniqueHeader(response: ResponseMessage, name: string): boolean {
  if (symbol === undefined) return false;
  // One of node's own sets, which are no instances of Set.
  const names: { has(name: string): boolean } | null | undefined = Reflect.get(response, symbol);
  return names?.has(name.toLowerCase()) === true;
}
