/** Switches the shortcuts of src/node-internals off, before any of them is looked for. */
Reflect.set(globalThis, Symbol.for('gatebridge.without-shortcuts'), true);
