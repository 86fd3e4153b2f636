/**
 * Remembers on a node request of a wrapped program the environ that it was made from.
 *
 * The key is a registered symbol, so that mounts find it, also those of another copy of this package.
 */
import type { Environ } from '../wsgi.ts';

/** The key of the environ. */
export const ENVIRON: unique symbol = Symbol.for('gatebridge.environ');

/**
 * Gives the environ that a wrapped program's request was made from.
 *
 * @param request The request that the program got, or one that inherits from it
 * @returns undefined for the request of another server
 * @example
 * app.get('/', (req, res) => res.send(environOf(req)?.REMOTE_USER));
 */
export function environOf(request: object): Environ | undefined {
  // Only src/messages sets the property.
  return Reflect.get(request, ENVIRON) as Environ | undefined;
}
