/** Applications mounted in hosts that are applications in other hosts. */
import { createServer } from 'node:http';
import middie from '@fastify/middie';
import express, { type Express } from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { fromFastify, toFastify } from '../../bridges/fastify/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import { createServer as createGatewayServer } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { serve } from './fastify/fastify-site.ts';
import { listen, report, reported, type Site } from './site.ts';

const HOSTS: Readonly<Record<string, (application: Application) => Promise<Site>>> = {
  Express: (application) => listen(createServer(inExpress(application, '/a'))),
  Fastify: (application) => serve(inFastify(application, '/a')),
};

const MIDDLES: Readonly<Record<string, (application: Application, path: string) => Application>> = {
  Express: (application, path) => fromExpress(inExpress(application, path)),
  'Express for node': (application, path) => fromNode(inExpress(application, path)),
  Fastify: (application, path) => fromFastify(inFastify(application, path)),
};

function inExpress(application: Application, path: string): Express {
  return express().use(path, toExpress(application));
}

function inFastify(application: Application, prefix: string): FastifyInstance {
  const instance = fastify();
  instance.register(toFastify(application), { prefix });
  return instance;
}

async function seen(site: Site, target: string): Promise<string> {
  const { SCRIPT_NAME, PATH_INFO, REQUEST_URI, QUERY_STRING } = reported(await site.fetch(target));
  return `${SCRIPT_NAME} + ${PATH_INFO} ? ${QUERY_STRING} of ${REQUEST_URI}`;
}

describe.each(Object.keys(HOSTS))('in %s', (host) => {
  describe.each(Object.keys(MIDDLES))('in %s', (middle) => {
    const nest = (path: string, application: Application): Application => {
      const wrap = MIDDLES[middle];
      if (wrap === undefined) throw new Error(`No ${middle}`);
      return wrap(application, path);
    };
    const mount = (application: Application): Promise<Site> => {
      const start = HOSTS[host];
      if (start === undefined) throw new Error(`No ${host}`);
      return start(application);
    };

    it.each([
      ['/a/b/c?q=1', '/a/b + /c ? q=1 of /a/b/c?q=1'],
      ['/a/b', '/a/b +  ?  of /a/b'],
      ['/a/b/', '/a/b + / ?  of /a/b/'],
      ['/a/b/%2Fc', '/a/b + //c ?  of /a/b/%2Fc'],
      ['http://h:81/a/b/c?q', '/a/b + /c ? q of http://h:81/a/b/c?q'],
    ])('joins both mounts: %s', async (target, expected) => {
      expect(await seen(await mount(nest('/b', report)), target)).toBe(expected);
    });

    it('joins all three mounts', async () => {
      const site = await mount(nest('/b', nest('/:name', report)));
      expect(await seen(site, '/a/b/%C3%A9/d')).toBe('/a/b/\xc3\xa9 + /d ?  of /a/b/%C3%A9/d');
    });

    it('shows the outer mounts to a listener of node', async () => {
      const listener = toNode(report);
      expect(await seen(await mount(nest('/b', fromNode(listener))), '/a/b/c?q')).toBe(
        '/a/b + /c ? q of /a/b/c?q',
      );
    });
  });
});

it('keeps the outer mount if an instance rewrites URLs', async () => {
  const rewriteUrl = (req: { url?: string | undefined }): string => req.url?.replace('/old', '/b') ?? '/';
  const instance = fastify({ rewriteUrl });
  instance.register(toFastify(report), { prefix: '/b' });
  const site = await listen(createServer(inExpress(fromFastify(instance), '/a')));
  expect(await seen(site, '/a/old/c')).toBe('/a/b + /c ?  of /a/old/c');
  expect(await seen(site, 'http://h/a/old/c')).toBe('/a/b + /c ?  of http://h/a/old/c');
});

it('keeps the outer mount if an instance has middleware of Connect', async () => {
  const instance = fastify();
  await instance.register(middie);
  instance.use((_req, _res, next) => next());
  instance.register(toFastify(report), { prefix: '/b' });
  const site = await listen(createServer(inExpress(fromFastify(instance), '/a')));
  expect(await seen(site, '/a/b/c')).toBe('/a/b + /c ?  of /a/b/c');
});

it('gives a wrapped instance the whole target as originalUrl', async () => {
  const instance = fastify();
  instance.get('/b', async (request) => [request.url, request.originalUrl]);
  const site = await listen(createServer(inExpress(fromFastify(instance), '/a')));
  expect(JSON.parse((await site.fetch('/a/b?q')).content.toString())).toEqual(['/b?q', '/a/b?q']);
});

it('leaves requests without a mount as node made them', async () => {
  const site = await listen(
    createGatewayServer(
      fromNode((req, res) => {
        res.end(`${'originalUrl' in req} ${'baseUrl' in req}`);
      }),
    ),
  );
  expect((await site.fetch('/a')).content.toString()).toBe('false false');
});
