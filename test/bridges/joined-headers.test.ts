/** Headers of which host and application both have some, on every host that can have its own. */
import { createServer } from 'node:http';
import fastifyCors from '@fastify/cors';
import middie from '@fastify/middie';
import cors from 'cors';
import express from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import { fieldValues } from '../../src/conformance/wire-client.ts';
import { createServer as createOurs } from '../../src/server/index.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';
import { serve as serveExpress } from './express/express-site.ts';
import { mountBelow } from './fastify/fastify-site.ts';
import { answering, listen, pieces, type Site } from './site.ts';

const ORIGIN = 'https://a.test';

const plugin = (instance: FastifyInstance): unknown =>
  instance.register(fastifyCors, { origin: [ORIGIN, 'x'] });

async function middleware(instance: FastifyInstance): Promise<void> {
  await instance.register(middie);
  instance.use(cors({ origin: [ORIGIN, 'x'] }) as never);
}

/** Hosts whose CORS middleware says `Vary: Origin`. */
const HOSTS: Readonly<Record<string, (application: Application) => Promise<Site>>> = {
  toNode: (application) => {
    const listener = toNode(application);
    const handleCors = cors({ origin: [ORIGIN, 'x'] });
    return listen(createServer((req, res) => handleCors(req, res, () => listener(req, res))));
  },
  toExpress: (application) =>
    serveExpress(
      express()
        .use(cors({ origin: [ORIGIN, 'x'] }))
        .use('/x', toExpress(application)),
    ),
  toFastify: (application) => mountBelow(application, plugin, { prefix: '/x' }),
  'toFastify with hijack': (application) => mountBelow(application, plugin, { prefix: '/x', hijack: true }),
  'toFastify below middie': (application) => mountBelow(application, middleware, { prefix: '/x' }),
  'toFastify below middie with hijack': (application) =>
    mountBelow(application, middleware, { prefix: '/x', hijack: true }),
  'toExpress, wrapped, on our own server': (application) =>
    listen(createOurs(fromExpress(express().use(cors({ origin: [ORIGIN, 'x'] }), toExpress(application))))),
};

const wrapped = express().get(['/', '/x'], (_req, res) => {
  res.format({ text: () => void res.send('text'), json: () => void res.json({}) });
});
const inner = fastify();
inner.get('/*', async (_request, reply) => reply.header('vary', 'Accept').send('text'));

const APPLICATIONS: Readonly<Record<string, [application: Application, expected: RegExp]>> = {
  'an array': [answering('x', [['Vary', 'Accept']]), /^Origin, Accept$/],
  pieces: [pieces(['x', 'y'], [['vary', 'Accept, origin']]), /^Origin, Accept$/],
  'several lines': [
    answering('x', [
      ['Vary', 'Accept'],
      ['Vary', 'Cookie'],
    ]),
    /^Origin, Accept, Cookie$/,
  ],
  everything: [answering('x', [['Vary', '*']]), /^\*$/],
  none: [answering('x'), /^Origin$/],
  'res.format of a wrapped app': [fromExpress(wrapped), /^Origin, Accept$/],
  'a wrapped instance': [fromFastify(inner), /^Origin, Accept$/],
};

describe.each(Object.entries(HOSTS))('Vary of host and application is joined by %s', (_name, host) => {
  it.each(Object.entries(APPLICATIONS))('for %s', async (_kind, [application, expected]) => {
    const site = await host(application);
    const response = await site.fetch({
      target: '/x',
      headers: [
        ['Origin', ORIGIN],
        ['Accept', 'text/plain'],
      ],
    });
    expect(response.statusCode).toBe(200);
    expect(fieldValues(response, 'Vary').join(', ')).toMatch(expected);
    expect(fieldValues(response, 'Access-Control-Allow-Origin')).toEqual([ORIGIN]);
  });
});

describe.each(Object.entries(HOSTS))('a header named __proto__ is sent by %s', (_name, host) => {
  it.each<[HeaderList]>([
    [[['__proto__', 'a']]],
    [
      [
        ['__proto__', 'a'],
        ['X-A', '1'],
        ['__PROTO__', 'b'],
      ],
    ],
  ])('as it is: %j', async (headers) => {
    for (const application of [answering('x', headers), pieces(['x', 'y'], headers)]) {
      const response = await (await host(application)).fetch('/x');
      const values = headers.filter(([name]) => name.toLowerCase() === '__proto__').map(([, value]) => value);
      expect(fieldValues(response, '__proto__').join(', ').split(', ')).toEqual(values);
      expect(response.headers.map(([name]) => name).filter((name) => /^\d/.test(name))).toEqual([]);
    }
  });
});
