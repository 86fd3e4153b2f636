/** srvx on its adapter for Node. */
import type { Contender } from './contender.ts';
import { importPeer, respondBy, type Srvx } from './fetch-peers.ts';

export const contender: Contender = {
  async listen() {
    // srvx recommends its own Response on Node: it is cheaper than the global one, and knows its length.
    const { FastResponse, serve } = await importPeer<Srvx>('srvx/node');
    const running = serve({
      fetch: () => respondBy(FastResponse),
      port: 0,
      hostname: '127.0.0.1',
      silent: true,
    });
    await running.ready();
    const server = running.node?.server;
    if (server === undefined) throw new TypeError('srvx has no server of node:http');
    return server;
  },
};
