/** Every way in which Fastify mounts, and every spelling of a path: nothing of the path is lost on its way. */
import fastify, { type FastifyServerOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { toFastify } from '../../bridges/fastify/index.ts';
import { decodePath } from '../../src/native.ts';
import { serve } from './fastify-site.ts';
import { report, reported } from './site.ts';

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

const TARGETS = [
  '/',
  '//',
  '/x',
  '/X',
  '/x/',
  '/x//',
  '//x',
  '//x//y//',
  '/x?q',
  '/x/?q=/x',
  '/x/y',
  '/X/Y/',
  '/x/y/z',
  '/x/y//z/',
  '/x/.',
  '/x/..',
  '/x/../y',
  '/x/%2e%2E/y',
  '/x%2Fy',
  '/x%2fy/z',
  '/x/y%2Fz',
  '/x/%',
  '/x/%zz',
  '/x/%00',
  '/x-z/a',
  '/xy',
  '/x;v=1/y',
  '/x/y;v=1',
  '/x/a+b%20c',
  '/x/a:b@c',
  "/x/a'b(c)!",
  '/x/a|b',
  '/caf%C3%A9',
  '/Caf%C3%A9/%C3%A9',
  '/CAF%C3%A9',
  '/caf%c3%a9/y',
  '/caf%E9/y',
  '/%63af%C3%A9/y',
  '/x?',
  '/x/y?a?b',
  '/x/y?a#b',
  '/x#f',
  'http://h/x',
  'http://h/x/y?q',
  'http://h',
  'http://h/',
  'HTTP://u@h:1/x/y',
];

/** What is wrong with an environ for a target; undefined if nothing is, or if the path has no mount. */
function faultOf(target: string, environ: Record<string, string | undefined>): string | undefined {
  const { REQUEST_METHOD, SCRIPT_NAME = '', PATH_INFO = '', QUERY_STRING, REQUEST_URI } = environ;
  if (REQUEST_METHOD === undefined) return undefined;
  const [path = '', query = ''] = target
    .replace(/^http:\/\/[^/?#]*/i, '')
    .replace(/#.*/, '')
    .split(/\?(.*)/, 2);
  const isWhole = `${SCRIPT_NAME}${PATH_INFO}` === decodePath(path || '/') && QUERY_STRING === query;
  const isSplit = !SCRIPT_NAME.endsWith('/') && /^(?:\/|$)/.test(PATH_INFO);
  if (isWhole && isSplit && REQUEST_URI === target) return undefined;
  return `${target} became ${SCRIPT_NAME} + ${PATH_INFO} ? ${QUERY_STRING} of ${REQUEST_URI}`;
}

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
