/**
 * Finds shortcuts through node's private parts: once each, when its file is loaded or when it is first needed. Each has a slower or coarser way
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

/**
 * Looks for a shortcut when it is first needed: for what takes long to look for, and few programs need.
 *
 * @param name What it uses of node, for {@link SHORTCUTS}
 * @param find Gives it, or undefined on a Node that lacks it
 */
export function lateShortcut<Found>(name: string, find: () => Found | undefined): () => Found | undefined {
  let found: { readonly shortcut: Found | undefined } | undefined;
  const look = (): Found | undefined => {
    found ??= { shortcut: areOff ? undefined : find() };
    return found.shortcut;
  };
  lookedFor.push({
    name,
    get isFound() {
      return look() !== undefined;
    },
  });
  return look;
}

/** Finds an object's own symbol by its description. */
export function findSymbol(owner: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(owner).find((symbol) => symbol.description === description);
}
