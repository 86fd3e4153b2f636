/** Every way to mount in Fastify, with every spelling of a path: no part of the path is lost. */
import fastify, { type FastifyServerOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { toFastify } from '../../../bridges/fastify/index.ts';
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
      TARGETS.map(async (target) => faultOf(target, reported(await site.fetch(target)))),
    );
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  });
});
