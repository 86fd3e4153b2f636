/** The same app on our server, with the runtime's own Response. */
import { fromFetch } from 'gatebridge/fetch';
import { serve } from 'gatebridge/server';
import type { Contender } from './contender.ts';
import { createHonoApp } from './hono-app.ts';

export const contender: Contender = {
  listen: async () => serve(fromFetch(await createHonoApp()), { port: 0 }),
};
