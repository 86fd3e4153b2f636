/** Tells runtimes apart that have node's modules: some options do nothing in some of them. */

/** Names the runtime, if it is not node. */
export function otherEngine(): 'Bun' | 'Deno' | undefined {
  const { bun, deno } = process.versions;
  if (bun !== undefined) return 'Bun';
  return deno === undefined ? undefined : 'Deno';
}
