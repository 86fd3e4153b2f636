/** Every way to mount in Fastify, with every spelling of a path: no part of the path is lost. */
import fastify, { type FastifyServerOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { toFastify } from '../../../bridges/fastify/index.ts';
import type { Application } from '../../../src/wsgi.ts';
import { report, reported } from '../site.ts';
import { faultOf, TARGETS } from '../whole-paths.ts';
import { serve } from './fastify-site.ts';

type RouterOptions = NonNullable<FastifyServerOptions['routerOptions']>;

const PREFIXES = [
  '',
  '/',
  '/x',
  '/x/',
  '/x/y',
  '/:one',
  '/:one/:two',
  '/:one(^[a-z]+$)',
  '/x-:rest',
  '/café',
  '/Caf%C3%A9',
];

const ROUTERS: Readonly<Record<string, RouterOptions>> = {
  strict: {},
  'that ignores case': { caseSensitive: false },
  'that ignores slashes': { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
  // Missing from the type.
  'with semicolons': { useSemicolonDelimiter: true } as RouterOptions,
};

describe.each(Object.keys(ROUTERS))('a router %s', (name) => {
  const routerOptions = ROUTERS[name] ?? {};

  it.each(PREFIXES)('gives an application at %j the whole path', async (prefix) => {
    const app = fastify({ routerOptions });
    app.register(toFastify(report), { prefix });
    app.setErrorHandler((_error, _request, reply) => reply.code(400).send({}));
    const site = await serve(app);
    const faults = await Promise.all(
      TARGETS.map(async (target) => {
        // Fastify takes the first semicolon for a question mark.
        const routed = name === 'with semicolons' ? target.replace(/^([^?#]+);/, '$1?') : target;
        return faultOf(target, reported(await site.fetch(target)), routed);
      }),
    );
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  });
});

describe('SCRIPT_NAME is what the router consumed', () => {
  const show: Application = (
    { SCRIPT_NAME, PATH_INFO, QUERY_STRING, 'fastify.request': request },
    startResponse,
  ) => {
    // The host's own object.
    const { params } = request as { params: Record<string, string> };
    startResponse('200 OK', []);
    return [JSON.stringify([SCRIPT_NAME, PATH_INFO, QUERY_STRING, params])];
  };

  it.each<[string, string, RouterOptions, [string, string, string], Record<string, string>]>([
    ['/:tenant', '//evil.com/x', {}, ['', '//evil.com/x', ''], { tenant: '', '*': 'evil.com/x' }],
    ['/:tenant', '/a//x', {}, ['/a', '//x', ''], { tenant: 'a', '*': '/x' }],
    ['/:a/:b', '/x//y', {}, ['/x', '//y', ''], { a: 'x', b: '', '*': 'y' }],
    ['/:tenant', '/a/x;b=c', {}, ['/a', '/x;b=c', ''], { tenant: 'a', '*': 'x;b=c' }],
    ['/shop/v1', '/shop/v1;a=b/x', ROUTERS['with semicolons'] ?? {}, ['/shop/v1', '', 'a=b/x'], {}],
    [
      '/shop',
      '/shop/v1;a=b/x?c',
      ROUTERS['with semicolons'] ?? {},
      ['/shop', '/v1', 'a=b/x?c'],
      { '*': 'v1' },
    ],
    ['/x', '//x//y', ROUTERS['that ignores slashes'] ?? {}, ['/x', '//y', ''], { '*': 'y' }],
  ])('at %s for %s', async (prefix, target, routerOptions, expected, params) => {
    const app = fastify({ routerOptions });
    app.register(toFastify(show), { prefix });
    const site = await serve(app);
    const seen = JSON.parse((await site.fetch(target)).content.toString());
    expect(seen).toEqual([...expected, params]);
  });
});
