/** Tells if the shortcuts of src/node-internals are switched off in this run (vitest.config.ts). */
export const areShortcutsOff: boolean =
  Reflect.get(globalThis, Symbol.for('gatebridge.without-shortcuts')) === true;
