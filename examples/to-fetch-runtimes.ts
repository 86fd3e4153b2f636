/**
 * One application in Bun, in Deno, and on node by the standalone server.
 *
 *     npx tsx examples/to-fetch-runtimes.ts
 *     bun examples/to-fetch-runtimes.ts
 *     deno run --allow-net --allow-env examples/to-fetch-runtimes.ts
 */
import type { Environ, StartResponse } from 'gatebridge';
import { toFetch } from 'gatebridge/fetch';

/** The parts of Bun and Deno that are used; each has types of its own. */
interface Runtimes {
  Bun?: { serve(options: object): { url: URL }; version: string };
  Deno?: { serve(options: object, handler: object): { addr: { port: number } }; version: { deno: string } };
}

async function* clock(environ: Environ, startResponse: StartResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  for (let tick = 1; tick <= 3; tick += 1)
    yield new TextEncoder().encode(`tick ${tick} for ${environ.REMOTE_ADDR}\n`);
}

const handle = toFetch(clock);
const { Bun, Deno } = globalThis as Runtimes;
const port = Number(process.env.PORT ?? 8124);
if (Bun !== undefined) {
  const fetch = (request: Request, server: { requestIP(request: Request): { address: string } }) =>
    handle(request, { remoteAddress: server.requestIP(request).address });
  console.log(Bun.serve({ port, hostname: '127.0.0.1', fetch }).url.href);
} else if (Deno !== undefined) {
  const answer = (request: Request, { remoteAddr }: { remoteAddr: { hostname: string } }) =>
    handle(request, { remoteAddress: remoteAddr.hostname });
  Deno.serve({ port, hostname: '127.0.0.1' }, answer);
} else {
  const { serve } = await import('gatebridge/server');
  console.log((await serve(clock, { port })).url);
}
