/** The second argument of a handler: what a runtime knows of a request besides the `Request`. */
import type { EnvironPairs } from '../../src/index.ts';

/** Facts of one request that a `Request` does not tell. Each may be missing, undefined or null. */
export interface FetchInfo {
  /** The address of the client: REMOTE_ADDR. */
  readonly remoteAddress?: string | null | undefined;
  /** The port of the client: REMOTE_PORT. */
  readonly remotePort?: number | string | null | undefined;
  /** Keeps the runtime running until a promise has settled, after the response has gone too. */
  readonly waitUntil?: ((promise: Promise<unknown>) => unknown) | null | undefined;
  /** Keys for the environ of this request. They replace all others. */
  readonly environ?: EnvironPairs | null | undefined;
}

/**
 * Checks the second argument. Runtimes that call the handler themselves pass objects of their own, whose other members do not
 * matter.
 *
 * @throws TypeError if a member has the wrong type
 */
export function checkInfo(info: unknown): void {
  if (info === undefined || info === null) return;
  if (typeof info !== 'object' && typeof info !== 'function')
    throw new TypeError(`Second argument must be an object such as { remoteAddress }, not ${String(info)}`);
  for (const [name, types] of INFO_TYPES) {
    const value: unknown = Reflect.get(info, name);
    if (value !== undefined && value !== null && !types.includes(typeof value))
      throw new TypeError(`Member ${name} of the second argument must be a ${types.join(' or a ')}`);
  }
}

const INFO_TYPES: readonly (readonly [name: keyof FetchInfo, types: readonly string[]])[] = [
  ['remoteAddress', ['string']],
  ['remotePort', ['number', 'string']],
  ['waitUntil', ['function']],
  ['environ', ['object']],
];
