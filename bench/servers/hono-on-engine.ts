/** The same app of Hono on `Bun.serve` and `Deno.serve`, as in its documentation. */
import type { Contender } from './contender.ts';
import { serveOnEngine } from './engine.ts';
import { createHonoApp } from './hono-app.ts';

export const contender: Contender = {
  listen: async () => serveOnEngine((await createHonoApp()).fetch),
};
