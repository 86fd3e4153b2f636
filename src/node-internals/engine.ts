/** Tells runtimes apart that have node's modules: some options do nothing in some of them. */

/**
 * Refuses on Cloudflare Workers what their modules of node only seem to do: a socket that listens there gets no connection.
 *
 * @param what The subject of the message, with its verb: `serve cannot listen`
 * @param cure What to do instead, if there is anything
 * @throws Error there
 */
export function refuseOnWorkers(what: string, cure?: string): void {
  const navigator: unknown = Reflect.get(globalThis, 'navigator');
  // Node has it since version 21.
  const { userAgent } = (navigator ?? {}) as { readonly userAgent?: unknown };
  if (userAgent !== 'Cloudflare-Workers') return;
  throw new Error(`${what} on Cloudflare Workers${cure === undefined ? '' : `: ${cure}`}`);
}

/** Names the runtime, if it is not node. */
export function otherEngine(): 'Bun' | 'Deno' | undefined {
  const { bun, deno } = process.versions;
  if (bun !== undefined) return 'Bun';
  return deno === undefined ? undefined : 'Deno';
}
