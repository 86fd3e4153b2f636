/** Says where a server listens: ours, node's, Express's and Fastify's all tell it in the same way. */
import type { AddressInfo } from 'node:net';

export function printUrl(server: { address(): AddressInfo | string | null }): void {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Server must listen on a port');
  console.log(`http://127.0.0.1:${address.port}/`);
}
