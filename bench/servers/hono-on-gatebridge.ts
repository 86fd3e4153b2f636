/** The same app on our server, with a light Response in place of the global one, as @hono/node-server has it by itself. */
import { fromFetch, LightResponse } from 'gatebridge/fetch';
import { serve } from 'gatebridge/server';
import type { Contender } from './contender.ts';
import { createHonoApp } from './hono-app.ts';

export const contender: Contender = {
  async listen() {
    globalThis.Response = LightResponse;
    return serve(fromFetch(await createHonoApp()), { port: 0 });
  },
};
