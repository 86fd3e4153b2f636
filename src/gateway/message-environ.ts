/**
 * Remembers with a node request of a wrapped program the environ that it was made from.
 *
 * Nobody sees it on the request, so that it looks like one of node's.
 */
import type { Environ } from '../wsgi.ts';
import { privateMember } from './private-member.ts';

const environs = privateMember<Environ>();

/** Remembers the environ of a request. Call it once per request. */
export function rememberEnviron(request: object, environ: Environ): void {
  environs.set(request, environ);
}

/**
 * Gives the environ that a wrapped program's request was made from.
 *
 * @param request The request that the program got
 * @returns undefined for the request of another server
 * @example
 * app.get('/', (req, res) => res.send(environOf(req)?.REMOTE_USER));
 */
export function environOf(request: object): Environ | undefined {
  return environs.get(request);
}
