/**
 * Shortcuts through Node's private parts. Each is looked for once, when its file is loaded, and each has a slower or
 * coarser way beside it for a Node that lacks it.
 *
 * The tests run the core of the suite a second time with all shortcuts switched off (test/support/without-shortcuts.ts).
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

/** Finds a symbol of an object's own by its description. */
export function findSymbol(owner: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(owner).find((symbol) => symbol.description === description);
}
