import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { toFastify } from '../../../bridges/fastify/to-fastify.ts';
import { place, report, reported } from '../site.ts';
import { mounting, serve } from './fastify-site.ts';

describe('a mount', () => {
  const PLACES: readonly (readonly [target: string, place: string])[] = [
    ['/x', '/x + '],
    ['/x/', '/x + /'],
    ['/x?q', '/x + '],
    ['/x/?q', '/x + /'],
    ['/x/y', '/x + /y'],
    ['/x/y/', '/x + /y/'],
    ['/x//y', '/x + //y'],
    ['/tenants/acme', '/tenants/acme + '],
    ['/tenants/a%2Fb/y', '/tenants/a/b + /y'],
    ['/caf%C3%A9', '/caf\xc3\xa9 + '],
    ['/caf%c3%a9/%C3%A9', '/caf\xc3\xa9 + /\xc3\xa9'],
    ['/outer/inner', '/outer/inner + '],
    ['/outer/inner/y', '/outer/inner + /y'],
    ['/slash/', '/slash + /'],
    ['/slash/y', '/slash + /y'],
    ['/', ' + /'],
    ['/y', ' + /y'],
    ['http://h:81/x', '/x + '],
    ['http://h:81/x/y?q', '/x + /y'],
  ];

  it.each(PLACES)('splits %s', async (target, expected) => {
    const app = fastify();
    for (const prefix of ['/x', '/tenants/:tenant', '/café', '/slash/']) {
      app.register(toFastify(report), { prefix });
    }
    app.register(async (scope) => scope.register(toFastify(report), { prefix: '/inner' }), {
      prefix: '/outer',
    });
    app.register(toFastify(report));
    expect(await place(await serve(app), target)).toBe(expected);
  });

  it('does not answer outside its prefix', async () => {
    const site = await serve(mounting(report));
    expect((await site.fetch('/xy')).statusCode).toBe(404);
    expect((await site.fetch('/')).statusCode).toBe(404);
  });

  it('splits paths that router options let through', async () => {
    const lenient = { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false };
    const site = await serve(mounting(report, {}, { routerOptions: lenient }));
    expect(await place(site, '/x/')).toBe('/x + /');
    expect(await place(site, '/x/y/')).toBe('/x + /y/');
    expect(await place(site, '//x//y')).toBe('/x + //y');
    expect(await place(site, '/X/Y')).toBe('/X + /Y');
  });

  it('keeps the request target when the URL is rewritten', async () => {
    const rewriteUrl = (req: { url?: string | undefined }): string => req.url?.replace('/old', '/x') ?? '/';
    const site = await serve(mounting(report, {}, { rewriteUrl }));
    expect(reported(await site.fetch('/old/y?q'))).toMatchObject({
      SCRIPT_NAME: '/x',
      PATH_INFO: '/y',
      QUERY_STRING: 'q',
      REQUEST_URI: '/old/y?q',
    });
  });

  it('answers every method that the instance supports', async () => {
    const app = fastify();
    app.addHttpMethod('MKCOL', { hasBody: true });
    app.register(toFastify(report), { prefix: '/x' });
    const site = await serve(app);
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'MKCOL']) {
      expect(reported(await site.fetch({ method, target: '/x' }))).toMatchObject({ REQUEST_METHOD: method });
    }
    expect(reported(await site.fetch({ method: 'MKCOL', target: '/x', content: 'new' }))).toMatchObject({
      content: 'new',
    });
    expect((await site.fetch({ method: 'HEAD', target: '/x' })).content.length).toBe(0);
  });

  it('passes on node’s own objects with their decorators', async () => {
    const app = fastify();
    app.decorateRequest('user', '');
    app.addHook('onRequest', async (request) => {
      Object.assign(request, { user: 'ann' });
    });
    app.register(
      toFastify((environ, startResponse) => {
        // Node's own objects are not in the type of the environ.
        const request = environ['fastify.request'] as { user: string; raw: unknown };
        const reply = environ['fastify.reply'] as { raw: unknown };
        const isSame = request.raw === environ['node.req'] && reply.raw === environ['node.res'];
        startResponse('200 OK', []);
        return [`${request.user} ${isSame}`];
      }),
    );
    expect((await app.inject('/')).body).toBe('ann true');
  });
});
