/** Refuses on Cloudflare Workers what their modules of node only seem to do. */

/**
 * Refuses it there: a socket that listens gets no connection, and a process does not start.
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
