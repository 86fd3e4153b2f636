/** Hono on @hono/node-server. */
import type { Server } from 'node:net';
import type { Contender } from './contender.ts';
import { type Hono, type HonoNodeServer, importPeer, respondBy } from './fetch-peers.ts';

export const contender: Contender = {
  async listen() {
    const { serve } = await importPeer<HonoNodeServer>('@hono/node-server');
    const { Hono } = await importPeer<Hono>('hono');
    const app = new Hono();
    app.get('/', () => respondBy(Response));
    return new Promise<Server>((resolve) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(server));
    });
  },
};
