/** Hono on @hono/node-server. It puts classes of its own in place of the globals Request and Response. */
import type { Server } from 'node:net';
import type { Contender } from './contender.ts';
import { type HonoNodeServer, importPeer } from './fetch-peers.ts';
import { createHonoApp } from './hono-app.ts';

export const contender: Contender = {
  async listen() {
    const { serve } = await importPeer<HonoNodeServer>('@hono/node-server');
    const { fetch } = await createHonoApp();
    return new Promise<Server>((resolve) => {
      const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(server));
    });
  },
};
