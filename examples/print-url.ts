/** Prints where a server of Express or Fastify listens. Ours have a property for it: `server.url`. */
import type { AddressInfo } from 'node:net';

export function printUrl(server: { address(): AddressInfo | string | null }): void {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Server must listen on a port');
  console.log(`http://127.0.0.1:${address.port}/`);
}
