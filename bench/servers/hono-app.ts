/** An app of Hono, the same for each server: it answers with text, with JSON, with what it was sent, and with parts of the request. */
import { HELLO } from './contender.ts';
import { type Hono, type HonoApp, importPeer, respondBy } from './fetch-peers.ts';

export async function createHonoApp(): Promise<HonoApp> {
  const { Hono } = await importPeer<Hono>('hono');
  const app = new Hono();
  // With the same fields as the listener of node:http.
  app.get('/', () => respondBy(Response));
  app.get('/text', (context) => context.text(HELLO));
  app.get('/data', (context) => context.json({ message: HELLO, at: context.req.path }));
  app.post('/json', async (context) => context.json(await context.req.json()));
  app.get('/articles/:id', (context) => {
    const { req } = context;
    context.header('X-Article', req.param('id'));
    context.header('Cache-Control', 'no-store');
    return context.json({
      id: req.param('id'),
      from: req.query('from'),
      language: req.header('Accept-Language'),
    });
  });
  return app;
}
