/** @fastify/express and @fastify/middie: node's middleware inside Fastify. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import fastifyExpress from '@fastify/express';
import middie from '@fastify/middie';
import compression from 'compression';
import cors from 'cors';
import express, { type Request } from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import helmet from 'helmet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../../messages/side-by-side.ts';
import { alike, closeAll, type Place, serveEverywhere } from './three-servers.ts';

type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

/** `use` as it is at run time: both plugins declare it for every instance, in different ways. */
interface Using {
  use(...uses: readonly (string | readonly string[] | Middleware)[]): void;
}

function using(app: FastifyInstance): Using {
  return app;
}

let withExpress: readonly Place[];
let withMiddie: readonly Place[];
const LONG = 'a long answer, '.repeat(200);

beforeAll(async () => {
  withExpress = await serveEverywhere(async (options) => {
    const app = fastify(options);
    await app.register(fastifyExpress);
    using(app).use(helmet());
    using(app).use('/shared', cors({ origin: 'http://a.test' }));
    using(app).use((req, res, next) => {
      // An Express request at run time.
      const { path, protocol, ip } = req as Request;
      res.setHeader('X-Seen', [req.method, path, protocol, ip].join(' '));
      next();
    });
    const router = express.Router();
    router.use(express.json());
    router.get('/facts', (req, res) => {
      const { url, originalUrl, baseUrl, query, hostname } = req;
      res.json({ url, originalUrl, baseUrl, query, hostname });
    });
    router.post('/echo', (req, res) => void res.status(201).json(req.body));
    router.get('/sent', (_req, res) => void res.set('ETag', '"x"').send('from Express'));
    router.get('/long', compression({ threshold: 0 }), (_req, res) => void res.type('text').send(LONG));
    router.get('/thrown', () => {
      throw Object.assign(new Error('thrown in Express'), { statusCode: 418 });
    });
    router.get('/later', (_req, res) => {
      setTimeout(() => res.write('one, '), 2);
      setTimeout(() => res.end('two'), 5);
    });
    // Typed for Express requests; node's are passed at run time.
    using(app).use('/site', router as unknown as Middleware);
    app.get('/route', async (req) => ({ url: req.url, original: req.originalUrl }));
    app.get('/shared/it', async () => 'shared');
    app.post('/json', async (req) => req.body);
    return app;
  });
  withMiddie = await serveEverywhere(async (options) => {
    const app = fastify(options);
    await app.register(middie, { hook: 'preHandler' });
    // Typed for Express; it accepts node's messages.
    using(app).use('/packed', compression({ threshold: 0 }) as unknown as Middleware);
    using(app).use(['/a', '/b'], (req, res, next) => {
      res.setHeader('X-Url', req.url ?? '');
      next();
    });
    using(app).use('/users/:id', (_req, res, next) => {
      res.setHeader('X-User', 'some');
      next();
    });
    using(app).use('/ended', (_req, res) => void res.end('ended by middleware'));
    using(app).use('/failed', (_req, _res, next) => next(new Error('failed in middleware')));
    using(app).use('/late', (_req, _res, next) => void setTimeout(next, 3));
    for (const url of ['/a', '/b/c', '/users/7', '/failed', '/late'])
      app.get(url, async (req) => ({ url: req.url }));
    app.get('/site/long', (_req, reply) => reply.type('text/plain').send(LONG));
    app.get('/packed/long', (_req, reply) => reply.type('text/plain').send(LONG));
    app.post('/a', async (req) => req.body);
    await app.register(async (scope) => {
      using(scope).use((_req, res, next) => {
        res.setHeader('X-Scope', 'inner');
        next();
      });
      scope.get('/inner', async () => 'inner');
    });
    return app;
  });
});

afterAll(() => closeAll([...withExpress, ...withMiddie]));

const JSON_TYPE = 'Content-Type: application/json';
const EXPRESS_CASES: readonly (readonly [string, string, string])[] = [
  ['a route of Fastify', request('GET', '/route?q=1'), '200'],
  ['no route', request('GET', '/nowhere'), '404'],
  ['facts', request('GET', '/site/facts?a=1&b=2'), '200'],
  ['JSON that Express parses', request('POST', '/site/echo', [JSON_TYPE], '{"deep":{"a":[1]}}'), '201'],
  ['broken JSON', request('POST', '/site/echo', [JSON_TYPE], '{"a":'), '400'],
  ['JSON that Fastify parses', request('POST', '/json', [JSON_TYPE], '{"a":1}'), '200'],
  ['res.send', request('GET', '/site/sent'), '200'],
  ['HEAD of res.send', request('HEAD', '/site/sent'), '200'],
  ['an error', request('GET', '/site/thrown'), '418'],
  ['an answer in two pieces', request('GET', '/site/later'), '200'],
  ['an origin', request('GET', '/shared/it', ['Origin: http://a.test']), '200'],
  ['a preflight', request('OPTIONS', '/shared/it', ['Origin: http://a.test']), '204'],
  ['gzip', request('GET', '/site/long', ['Accept-Encoding: gzip']), '200'],
  ['HEAD of gzip', request('HEAD', '/site/long', ['Accept-Encoding: gzip']), '200'],
];
const MIDDIE_CASES: readonly (readonly [string, string, string])[] = [
  ['a path', request('GET', '/a?q=1'), '200'],
  ['a path below', request('GET', '/b/c?q=1'), '200'],
  ['parameters', request('GET', '/users/7'), '200'],
  ['an end', request('GET', '/ended'), '200'],
  ['a failure', request('GET', '/failed'), '500'],
  ['a delay', request('GET', '/late'), '200'],
  ['a scope', request('GET', '/inner'), '200'],
  ['content', request('POST', '/a', [JSON_TYPE], '{"a":1}'), '200'],
  ['gzip', request('GET', '/packed/long', ['Accept-Encoding: gzip']), '200'],
];

describe('@fastify/express', () => {
  it.each(EXPRESS_CASES)('answers alike: %s', async (_name, text, status) => {
    expect((await alike(withExpress, [text])).slice(9, 12)).toBe(status);
  });

  it('serves several connections in turn', async () => {
    const first = request('GET', '/site/sent').replace('Connection: close\r\n', '');
    const text = await alike(withExpress, [first, 'answer', first, 'answer', request('GET', '/route')]);
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  });
});

describe('@fastify/middie', () => {
  it.each(MIDDIE_CASES)('answers alike: %s', async (_name, text, status) => {
    expect((await alike(withMiddie, [text])).slice(9, 12)).toBe(status);
  });
});
