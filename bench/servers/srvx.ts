/** srvx on its adapter for Node. */
import type { Server } from 'node:net';
import type { Contender } from './contender.ts';
import { importPeer, respondBy, type Srvx } from './fetch-peers.ts';

export const contender: Contender = {
  // srvx recommends its own Response on Node: it is cheaper than the global one, and knows its length.
  listen: () =>
    listenOnSrvx(
      ({ FastResponse }) =>
        () =>
          respondBy(FastResponse),
    ),
};

/** Serves a handler. */
export async function listenOnSrvx(handlerOf: (srvx: Srvx) => unknown): Promise<Server> {
  const srvx = await importPeer<Srvx>('srvx/node');
  const running = srvx.serve({ fetch: handlerOf(srvx), port: 0, hostname: '127.0.0.1', silent: true });
  await running.ready();
  const server = running.node?.server;
  if (server === undefined) throw new TypeError('srvx has no server of node:http');
  return server;
}
