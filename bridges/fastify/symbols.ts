/** Finds the symbols under which Fastify keeps what it has no public name for. */

/**
 * Finds the symbol of a member by its description, on an object or its prototypes.
 *
 * @returns undefined if this Fastify keeps it elsewhere
 */
export function findSymbol(scope: object, description: string): symbol | undefined {
  for (let owner: object | null = scope; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const symbol = Object.getOwnPropertySymbols(owner).find((one) => one.description === description);
    if (symbol !== undefined) return symbol;
  }
  return undefined;
}
