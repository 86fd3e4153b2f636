/** Express routing: nested routers, parameters, sub-apps mounted twice, one app on both servers. */
import express, { type Request, type RequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const tell =
  (name: string): RequestHandler =>
  (req, res) =>
    void res.json([name, ...place(req)]);

function place(req: Request): unknown[] {
  return [
    req.method,
    req.url,
    req.baseUrl,
    req.originalUrl,
    req.path,
    req.params,
    req.query,
    req.route?.path,
  ];
}

const program = expressProgram((app, trail) => {
  app.use((req, res, next) => {
    res.on('finish', () => trail.push(`${req.method} ${req.originalUrl} ${req.url} ${res.statusCode}`));
    next();
  });
  app.param('id', (req, _res, next, id, name) => {
    Reflect.set(req, 'found', `${name} ${id}`);
    if (id === 'bad') next(Object.assign(new Error('bad id'), { status: 422 }));
    else next();
  });
  app.get('/item/:id', (req, res) => void res.json([Reflect.get(req, 'found'), ...place(req)]));
  app.get('/item/:id/:rest', tell('rest'));
  app.get('/files/*path', tell('splat'));
  app.get(/^\/number(\d+)$/, tell('regular expression'));
  app.get(['/one', '/two'], tell('several'));
  app.get('/maybe{/:part}', tell('optional'));
  app.all('/all', tell('all'));
  app
    .route('/route')
    .all((_req, res, next) => {
      res.set('X-Route', 'all');
      next();
    })
    .get(tell('route get'))
    .post(tell('route post'))
    .delete((_req, res) => void res.sendStatus(204));
  const inner = express.Router({ mergeParams: true, strict: true, caseSensitive: true });
  inner.get('/Deep', tell('deep'));
  inner.get('/skip', (_req, _res, next) => next('router'), tell('never'));
  inner.use('/all', tell('inner all'));
  const outer = express.Router();
  outer.use('/:b/inner', inner);
  outer.get('/:b/skip', (_req, _res, next) => next('route'));
  app.use('/outer/:a', outer);
  const plain = express.Router();
  plain.get('/', tell('plain'));
  app.use('/plain/:a', plain);

  const sub = express();
  sub.locals.name = 'sub';
  sub.set('x-powered-by', false).set('etag', false);
  sub.on('mount', (parent) => trail.push(`mounted ${parent === app} ${sub.path()} ${sub.mountpath}`));
  sub.get('/who', (req, res) => {
    const [isSub, isParent] = [req.app === sub, res.app === sub];
    res.json([
      isSub,
      isParent,
      req.app.path(),
      req.app.mountpath,
      Reflect.get(sub, 'parent') === app,
      ...place(req),
    ]);
  });
  sub.get(
    '/answer',
    (_req, res) => void res.format({ html: () => void res.send('<p>'), text: () => void res.send('p') }),
  );
  sub.get('/broken', () => {
    throw Object.assign(new Error('broken in sub'), { status: 501 });
  });
  app.use('/first', sub);
  app.use('/second', sub);
  app.use((req, res, next) => {
    res.set('X-App', `${req.app === app} ${Object.getPrototypeOf(req) === app.request} ${res.app === app}`);
    next();
  });
  app.use('/after', tell('after'));
});

const TARGETS =
  '/item/5 /item/bad /item/a%2Fb /item/%E0%A4%A /item/5/6?a=1&a=2&b[c]=3&d= /files/a/b%20c/d /files/ /number12 /numberx ' +
  '/one /two /two/ /TWO /maybe /maybe/x /all /route /route/ /outer/1/2/inner/Deep?q /outer/1/2/inner/deep ' +
  '/outer/1/2/inner/Deep/ /outer/1/2/inner/skip /outer/1/2/inner/all/x/y /outer/1/2/skip /outer/1 /plain/1 /plain/1/ ' +
  '/plain/1?q=1 /first/who /second/who?x=1 /first /first/ /First/who /firstwho /first/none /first/answer /second/broken ' +
  '/after /after/x//y /AFTER? // //x /?a /%2e%2e/x /a/../b /nowhere;x=1';

describe('routing', () => {
  it('calls the same handlers with the same view of the request', async () => {
    const { trail, text } = await expectAlike(program, async ({ fetch }) => {
      for (const target of TARGETS.split(' ')) await fetch(target);
    });
    expect(text).toContain('["id 5","GET","/item/5"');
    expect(text).toContain('["deep","GET","/Deep?q","/outer/1/2/inner"');
    expect(text).toContain('X-App: true true true');
    expect(trail[0]).toBe('mounted true /first /first');
  });

  it('does so for every method', async () => {
    const { responses } = await expectAlike(program, async ({ fetch }) => {
      for (const target of ['/all', '/route', '/one', '/nowhere', '/first/who', '/after']) {
        for (const method of [
          'HEAD',
          'POST',
          'PUT',
          'DELETE',
          'OPTIONS',
          'PATCH',
          'PROPFIND',
          'QUERY',
          'PURGE',
        ]) {
          await fetch({ method, target });
        }
      }
    });
    expect(responses.some(({ raw }) => raw.includes('Allow: GET, HEAD'))).toBe(true);
  });

  it('accepts targets in absolute form and the asterisk', async () => {
    await expectAlike(program, async (visitor) => {
      for (const line of [
        'GET http://a.test/item/7?x=1 HTTP/1.1',
        'OPTIONS * HTTP/1.1',
        'GET http://a.test HTTP/1.1',
      ]) {
        const client = visitor.open();
        client.send(`${line}\r\nHost: a.test\r\n\r\n`);
        await visitor.read(client);
      }
    });
  });
});
