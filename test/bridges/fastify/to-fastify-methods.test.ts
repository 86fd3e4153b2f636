/** A mount answers every method that node's parser lets through; the host's own routes answer what they did. */
import { METHODS } from 'node:http';
import fastify from 'fastify';
import { expect, it } from 'vitest';
import { toFastify } from '../../../bridges/fastify/index.ts';
import type { Application } from '../../../src/wsgi.ts';
import { serve } from './fastify-site.ts';

const report: Application = async (environ, startResponse) => {
  startResponse('200 OK', [['X-Method', environ.REQUEST_METHOD]]);
  return [environ.REQUEST_METHOD, ' ', environ.PATH_INFO, ' ', await environ['wsgi.input'].read()];
};

it.each([false, true])('answers every method below a prefix (hijack: %s)', async (hijack) => {
  const hooked: string[] = [];
  const app = fastify();
  app.addHook('onSend', async (request) => void hooked.push(request.method));
  app.register(toFastify(report, { hijack }) as never, { prefix: '/dav' });
  const site = await serve(app);
  for (const method of METHODS.filter(
    (name) => !['CONNECT', 'HEAD', 'GET', 'TRACE', 'OPTIONS'].includes(name),
  )) {
    for (const target of ['/dav', '/dav/x']) {
      const headers: [string, string][] = [['Content-Type', 'application/json']];
      const response = await site.fetch({ method, target, headers, content: '{not json' });
      const path = target.slice('/dav'.length);
      expect(response.content.toString()).toBe(`${method} ${path} {not json`);
    }
    if (!hijack) expect(hooked).toContain(method);
  }
});

it('leaves what the host’s own routes answer as it is', async () => {
  const answers = async (isMounted: boolean): Promise<unknown> => {
    const app = fastify();
    app.all('/before', async () => 'before');
    if (isMounted) app.register(toFastify(report) as never, { prefix: '/dav' });
    app.register(async (scope) => scope.all('/after', async () => 'after'));
    await app.ready();
    const site = await serve(app);
    const seen: unknown[] = [app.supportedMethods.toSorted(), 'propfind' in app];
    for (const method of METHODS.filter((name) => name !== 'CONNECT' && name !== 'HEAD')) {
      for (const target of ['/before', '/after', '/none']) {
        const headers: [string, string][] = [['Content-Type', 'x/y']];
        const { statusCode, content } = await site.fetch({ method, target, headers, content: 'x' });
        seen.push([method, target, statusCode, content.toString()]);
      }
    }
    return seen;
  };
  expect(await answers(true)).toEqual(await answers(false));
});

it('tells of a route that is already there as an error of the plugin', async () => {
  const app = fastify();
  app.all('/x/*', async () => 'host');
  app.register(toFastify(report) as never, { prefix: '/x' });
  await expect(app.ready()).rejects.toThrow(/already declared/);
});
