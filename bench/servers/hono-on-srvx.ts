/** The same app on srvx. */
import type { Contender } from './contender.ts';
import { createHonoApp } from './hono-app.ts';
import { listenOnSrvx } from './srvx.ts';

export const contender: Contender = {
  async listen() {
    const { fetch } = await createHonoApp();
    return listenOnSrvx(() => fetch);
  },
};
