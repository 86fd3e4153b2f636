/** Errors of listeners: uncaught, as on node. They are nobody's here, and an application must not meet them. */

/** Throws what a listener has thrown, where nobody catches it. */
export function throwUncaught(error: unknown): void {
  process.nextTick(rethrow, error);
}

function rethrow(error: unknown): never {
  throw error;
}
