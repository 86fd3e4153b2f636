/** A worker that tries what no worker can do, and answers with what came of it. */
import { fromCgi } from '../../bridges/cgi/index.ts';
import { serveFastCgi } from '../../bridges/fastcgi/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import { fromPython } from '../../bridges/python/index.ts';
import type { ApplicationFunction } from '../../src/index.ts';
import { createServer, serve } from '../../src/server/index.ts';

const hello: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return ['Hello'];
};

const ATTEMPTS: Readonly<Record<string, () => unknown>> = {
  serve: () => serve(hello, { port: 0 }),
  listen: () => createServer(hello).listen(0),
  serveFastCgi: () => serveFastCgi(hello, { port: 0 }),
  fromCgi: () => fromCgi('/bin/true'),
  fromPython: () => fromPython({ application: 'app:app' }),
  fromNode: () => fromNode((_request, response) => response.end()),
};

const main = {
  async fetch(): Promise<Response> {
    const outcomes: Record<string, string> = {};
    for (const [name, attempt] of Object.entries(ATTEMPTS)) {
      try {
        await attempt();
        outcomes[name] = 'nothing was said';
      } catch (error) {
        outcomes[name] = String(error);
      }
    }
    return Response.json(outcomes);
  },
};

export const control: typeof main = main;

export { main as default };
