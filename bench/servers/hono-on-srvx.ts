/** The same app on srvx, with its own Response in place of the global one. */
import type { Contender } from './contender.ts';
import { createHonoApp } from './hono-app.ts';
import { listenOnSrvx } from './srvx.ts';

export const contender: Contender = {
  async listen() {
    const { fetch } = await createHonoApp();
    return listenOnSrvx(({ FastResponse }) => {
      globalThis.Response = FastResponse;
      return fetch;
    });
  },
};
