/**
 * Lets the routes of a mount take methods that the host has not declared, such as PROPFIND, SEARCH and PURGE.
 *
 * `addHttpMethod` would declare them for the whole instance: the host's own `all()` routes would answer them, and
 * requests that nobody answers would have their content parsed. So only the scope of the mount gets them.
 */
import { METHODS } from 'node:http';
import type { FastifyScope } from './instance.ts';
import { findSymbol } from './symbols.ts';

/** Fastify's sets of methods, by whether it parses their content. */
interface SupportedMethods {
  readonly bodyless: ReadonlySet<string>;
  readonly bodywith: ReadonlySet<string>;
}

/**
 * Declares for one scope all other methods that node's parser lets through. Fastify does not parse their content.
 *
 * @returns the methods; none if this Fastify keeps its methods elsewhere
 */
export function declareOtherMethods(scope: FastifyScope): string[] {
  const known = new Set([...scope.supportedMethods, 'CONNECT']);
  const others = METHODS.filter((method) => !known.has(method));
  const symbol = findSymbol(scope, 'fastify.acceptedHTTPMethods');
  if (symbol === undefined) return [];
  const supported: SupportedMethods = Reflect.get(scope, symbol);
  const own = {
    bodyless: new Set([...supported.bodyless, ...others]),
    bodywith: new Set(supported.bodywith),
  };
  Object.defineProperty(scope, symbol, { value: own });
  return others;
}
