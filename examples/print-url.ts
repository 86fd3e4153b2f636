/** Prints where a server listens. It works for our servers and for node's, which Express and Fastify use. */
import type { AddressInfo } from 'node:net';

export function printUrl(server: { address(): AddressInfo | string | null }): void {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Server must listen on a port');
  console.log(`http://127.0.0.1:${address.port}/`);
}
