/** A wrapped program reaches its environ, and a mount inside it knows the target as it was received. */
import { createServer as createNodeServer } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { fromFastify, toFastify } from '../../bridges/fastify/index.ts';
import { environOf, fromNode } from '../../bridges/node/index.ts';
import { createServer } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { serve as serveExpress } from './express/express-site.ts';
import { listen, report, reported } from './site.ts';

const instance = fastify();
instance.get('/', async (request) => `${environOf(request.raw)?.REMOTE_USER}`);

it.each<[string, Application]>([
  ['fromNode', fromNode((req, res) => void res.end(`${environOf(req)?.REMOTE_USER}`))],
  [
    'fromExpress',
    fromExpress(express().get('/', (req, res) => void res.send(`${environOf(req)?.REMOTE_USER}`))),
  ],
  ['fromFastify', fromFastify(instance)],
])('reaches its environ: %s', async (_name, application) => {
  const site = await listen(createServer(application, { environ: { REMOTE_USER: 'emma' } }));
  expect((await site.fetch('/')).content.toString()).toBe('emma');
});

it('finds none on a request of another server', async () => {
  const site = await listen(createNodeServer((req, res) => res.end(`${environOf(req)}`)));
  expect((await site.fetch('/')).content.toString()).toBe('undefined');
});

it('keeps REQUEST_URI as received in a Fastify mount below another, after a rewrite of the host', async () => {
  const inner = fastify();
  inner.register(toFastify(report) as never, { prefix: '/new' });
  const app = express();
  app.use((req, _res, next) => {
    req.url = req.url.replace(/^\/old/, '/m/new');
    next();
  });
  app.use('/m', toExpress(fromFastify(inner)));
  const site = await serveExpress(app);
  for (const target of ['/old/x?q', '/m/new/x?q']) {
    expect(reported(await site.fetch(target))).toMatchObject({
      REQUEST_URI: target,
      SCRIPT_NAME: '/m/new',
      PATH_INFO: '/x',
      QUERY_STRING: 'q',
    });
  }
});
