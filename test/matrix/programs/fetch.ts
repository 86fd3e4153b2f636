/** A Hono app, which is a handler of the Fetch API. */
import { Hono } from 'hono';
import { fromFetch } from '../../../bridges/fetch/index.ts';
import type { ApplicationFunction } from '../../../src/index.ts';
import { brokenPieces, markedPieces } from './pieces.ts';

/** Makes an application of it. */
export function create(): ApplicationFunction {
  const app = new Hono();
  app.get('/greet/:name', (context) => {
    const { req } = context;
    context.header('Set-Cookie', 'a=1');
    context.header('Set-Cookie', 'b=2', { append: true });
    const { search } = new URL(req.url);
    return context.text(`${req.method} ${req.param('name')} ${search} ${req.header('X-Word')}`);
  });
  app.post('/echo', async ({ req }) => {
    const headers = { 'Content-Type': `${req.header('Content-Type')}` };
    return new Response(await req.arrayBuffer(), { status: 201, headers });
  });
  app.get('/stream', ({ req }) => {
    const source = markedPieces(`${req.header('X-Marks')}`);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(Buffer.from(value));
      },
      cancel: async () => void (await source.return(undefined)),
    });
    return new Response(body, { headers: { 'Content-Type': 'text/plain' } });
  });
  app.onError((_error, context) => context.text('Failed', 500));
  app.get('/break', () => {
    const source = brokenPieces();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue((await source.next()).value);
      },
    });
    return new Response(body);
  });
  app.get('/fail', () => {
    throw new Error('Failed on purpose');
  });
  return fromFetch(app);
}
