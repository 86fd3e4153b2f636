/**
 * Finds shortcuts through node's private parts: once each, when its file is loaded. Each has a slower or coarser way
 * beside it for a Node that lacks it.
 *
 * The tests run the core of the suite again without any shortcut (test/support/without-shortcuts.ts).
 */

const areOff = Reflect.get(globalThis, Symbol.for('gatebridge.without-shortcuts')) === true;

/** One shortcut that was looked for. */
interface Shortcut {
  readonly name: string;
  readonly isFound: boolean;
}

const lookedFor: Shortcut[] = [];

/** The shortcuts of the files that have been loaded. */
export const SHORTCUTS: readonly Shortcut[] = lookedFor;

/**
 * Looks for a shortcut.
 *
 * @param name What it uses of node, for {@link SHORTCUTS}
 * @param find Gives it, or undefined on a Node that lacks it
 */
export function shortcut<Found>(name: string, find: () => Found | undefined): Found | undefined {
  const found = areOff ? undefined : find();
  lookedFor.push({ name, isFound: found !== undefined });
  return found;
}

/** Finds an object's own symbol by its description. */
export function findSymbol(owner: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(owner).find((symbol) => symbol.description === description);
}
