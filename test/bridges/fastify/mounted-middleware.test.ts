/** Middleware in a wrapped Fastify that is mounted sees the mount, whatever plugin runs it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastifyExpress from '@fastify/express';
import middie from '@fastify/middie';
import express from 'express';
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import serveStatic from 'serve-static';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toExpress } from '../../../bridges/express/index.ts';
import { fromFastify, toFastify } from '../../../bridges/fastify/index.ts';
import { toNode } from '../../../bridges/node/index.ts';
import { fieldValues } from '../../../src/conformance/wire-client.ts';
import type { Application } from '../../../src/wsgi.ts';
import { listen, type Site } from '../site.ts';
import { serve } from './fastify-site.ts';

type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

/** `use` as it is at run time: both plugins declare it for every instance, in different ways. */
interface Using {
  use(...uses: readonly (string | Middleware)[]): void;
}

const folder = mkdtempSync(join(tmpdir(), 'gatebridge-static-'));

beforeAll(() => {
  mkdirSync(join(folder, 'lib'));
  writeFileSync(join(folder, 'lib/index.html'), 'the index');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PLUGINS = {
  '@fastify/middie': (app: FastifyInstance) => app.register(middie),
  '@fastify/express': (app: FastifyInstance) => app.register(fastifyExpress),
};

const HOSTS: Readonly<Record<string, (application: Application) => Promise<Site>>> = {
  'toExpress at /m': (application) => listen(createServer(express().use('/m', toExpress(application)))),
  'toFastify at /m': (application) => {
    const app = fastify();
    app.register(toFastify(application), { prefix: '/m' });
    return serve(app);
  },
  'toNode behind middleware that shifts the path': (application) =>
    listen(
      createServer(
        toNode((environ, startResponse) => {
          const call = application as (...values: unknown[]) => Iterable<Uint8Array>;
          return call(
            { ...environ, SCRIPT_NAME: '/m', PATH_INFO: environ.PATH_INFO.slice(2) },
            startResponse,
          );
        }),
      ),
    ),
};

async function build(
  plugin: keyof typeof PLUGINS,
  options: FastifyServerOptions = {},
): Promise<{ application: Application; seen: unknown[] }> {
  const app = fastify(options);
  await PLUGINS[plugin](app);
  const seen: unknown[] = [];
  const using: Using = app;
  using.use((req, _res, next) => {
    seen.push(['first', req.url, Reflect.get(req, 'originalUrl')]);
    next();
  });
  using.use('/static', serveStatic(folder) as Middleware);
  using.use('/static', (req, _res, next) => {
    seen.push(['second', req.url, Reflect.get(req, 'originalUrl')]);
    next();
  });
  app.get('/*', async (request) => {
    const { url, originalUrl } = request;
    return { url, originalUrl, raw: request.raw.url, kept: Reflect.get(request.raw, 'originalUrl') };
  });
  return { application: fromFastify(app), seen };
}

describe.each(Object.keys(PLUGINS) as (keyof typeof PLUGINS)[])('%s in a wrapped Fastify', (plugin) => {
  describe.each(Object.keys(HOSTS))('below %s', (host) => {
    const start = async (options?: FastifyServerOptions) => {
      const { application, seen } = await build(plugin, options);
      const site = await HOSTS[host]?.(application);
      if (site === undefined) throw new Error(`No ${host}`);
      return { site, seen };
    };

    it('lets serve-static redirect below the mount', async () => {
      const { site } = await start();
      const response = await site.fetch('/m/static/lib');
      expect([response.statusCode, fieldValues(response, 'Location')]).toEqual([301, ['/m/static/lib/']]);
      expect((await site.fetch('/m/static/lib/')).content.toString()).toBe('the index');
    });

    it.each(['/x?q=1', '/static/none?q=1', '/m/x', '/caf%C3%A9', '//x'])(
      'shows the whole target to middleware and routes: %s',
      async (rest) => {
        const { site, seen } = await start();
        const response = await site.fetch(`/m${rest}`);
        const url = plugin === '@fastify/express' ? decodeURI(rest) : rest;
        expect(JSON.parse(response.content.toString())).toEqual({
          url,
          originalUrl: `/m${rest}`,
          raw: url,
          kept: `/m${rest}`,
        });
        expect(seen).toEqual([
          ['first', url, `/m${rest}`],
          ...(rest.startsWith('/static') ? [['second', url.slice(7), `/m${rest}`]] : []),
        ]);
      },
    );

    it('shows it after a rewrite too', async () => {
      const { site } = await start({ rewriteUrl: ({ url = '' }) => url.replace('/old', '/new') });
      const { url, raw } = JSON.parse((await site.fetch('/m/old/x')).content.toString());
      expect([url, raw]).toEqual(['/new/x', '/new/x']);
    });
  });
});
