/**
 * Finds shortcuts through node's private parts: once each, when its file is loaded. Each has a slower or coarser way
 * beside it for a Node that lacks it.
 *
 * The tests run the core of the suite again without any shortcut (test/support/without-shortcuts.ts).
 */

const areOff = Reflect.get(globalThis, Symbol.for('gatebridge.without-shortcuts')) === true;

/**
 * Looks for a shortcut.
 *
 * @param find Gives it, or undefined on a Node that lacks it
 */
export function shortcut<Found>(find: () => Found | undefined): Found | undefined {
  return areOff ? undefined : find();
}

/** Finds an object's own symbol by its description. */
export function findSymbol(owner: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(owner).find((symbol) => symbol.description === description);
}
