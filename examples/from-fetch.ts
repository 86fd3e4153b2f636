/**
 * A worker for the edge inside Express: a fetch handler that streams, and knows who has logged in.
 *
 *     npx tsx examples/from-fetch.ts
 *     curl --no-buffer http://127.0.0.1:8124/clock/ticks?n=3
 *     curl --data '{"a": 1}' http://127.0.0.1:8124/clock/echo
 */
import express from 'express';
import { toExpress } from 'gatebridge/express';
import { type FetchModule, fromFetch } from 'gatebridge/fetch';
import { printUrl } from './print-url.ts';

/** An app of Hono, h3 or itty-router would do as well. */
const clock: FetchModule = {
  async fetch(request, { environ, secret }, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/echo') return Response.json({ echo: await request.json(), from: environ.REMOTE_ADDR });
    if (pathname !== '/ticks') return new Response('Not Found', { status: 404 });
    context.waitUntil(Promise.resolve(secret));
    let left = Number(searchParams.get('n') ?? 5);
    const ticks = new ReadableStream<string>({
      async pull(controller) {
        if (left === 0) return controller.close();
        left -= 1;
        controller.enqueue(`tick ${left}\n`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      },
    });
    const headers = { 'Content-Type': 'text/plain' };
    return new Response(ticks.pipeThrough(new TextEncoderStream()), { headers });
  },
};

const app = express();
app.use('/clock', toExpress(fromFetch(clock, { env: { secret: 'of the deployer' } })));

const { PORT = '8124' } = process.env;
const server = app.listen(Number(PORT), '127.0.0.1', () => printUrl(server));
