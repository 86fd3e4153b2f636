/** Every parser of both frameworks in front of a mount: the application gets the content or an error at once. */
import { createServer } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fastifyExpress from '@fastify/express';
import formbody from '@fastify/formbody';
import middie from '@fastify/middie';
import multipart from '@fastify/multipart';
import bodyParser from 'body-parser';
import express, { type RequestHandler } from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import multer from 'multer';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import type { HeaderList } from '../../src/wsgi.ts';
import { appWith, serve as serveExpress } from './express/express-site.ts';
import { serve as serveFastify } from './fastify/fastify-site.ts';
import { createLog, listen, report, reported, type Site } from './site.ts';

const JSON_TYPE: HeaderList = [['Content-Type', 'application/json']];
const FORM_TYPE: HeaderList = [['Content-Type', 'application/x-www-form-urlencoded']];
const MULTIPART_TYPE: HeaderList = [['Content-Type', 'multipart/form-data; boundary=b']];
const MULTIPART =
  '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' +
  '--b\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\nfile\r\n--b--\r\n';

function post(site: Site, headers: HeaderList, content: string | Uint8Array) {
  return site.fetch({ method: 'POST', target: '/x', headers, content });
}

async function behind(parsers: RequestHandler[], headers: HeaderList, content: string | Uint8Array) {
  const { app, errors } = appWith(...parsers, toExpress(report));
  const response = await post(await serveExpress(app), headers, content);
  return response.statusCode === 200 ? reported(response) : { error: String(errors[0]) };
}

const ALL = [express.json(), express.urlencoded({ extended: true }), express.text(), express.raw()];

describe('parsers of Express', () => {
  it.each([
    [JSON_TYPE, '{"a":[1,{"b":null}]}'],
    [FORM_TYPE, 'a=1&b[c]=2'],
    [[['Content-Type', 'text/plain']], 'text'],
    [[['Content-Type', 'application/octet-stream']], 'octets'],
    [[['Content-Type', 'image/png']], 'nobody reads this'],
    [[], 'no type'],
  ] satisfies [HeaderList, string][])('leave %j as it was, all together', async (headers, content) => {
    const environ = await behind(ALL, headers, content);
    expect(environ).toMatchObject({ content, CONTENT_LENGTH: `${content.length}` });
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('that decode %s leave it decoded', async (coding, compress) => {
    const cases = [
      [JSON_TYPE, '{"a":1}'],
      [FORM_TYPE, 'a=1&b%5B%5D=2'],
    ] as const;
    for (const [type, content] of cases) {
      const environ = await behind(ALL, [...type, ['Content-Encoding', coding]], compress(content));
      expect(environ).toMatchObject({ content, CONTENT_LENGTH: `${content.length}` });
      expect(environ).not.toHaveProperty('HTTP_CONTENT_ENCODING');
    }
  });

  it('that decode content of the same length leave it decoded', async () => {
    let content = '';
    for (let length = 1; length < 80 && content === ''; length += 1) {
      const candidate = JSON.stringify({ a: 'abcdefghijklmnopqrstuvwxyz'.repeat(4).slice(0, length) });
      if (gzipSync(candidate).length === candidate.length) content = candidate;
    }
    expect(content).not.toBe('');
    const environ = await behind(ALL, [...JSON_TYPE, ['Content-Encoding', 'gzip']], gzipSync(content));
    expect(environ).toMatchObject({ content });
    expect(environ).not.toHaveProperty('HTTP_CONTENT_ENCODING');
  });

  it('of plain forms keep the meaning', async () => {
    const parsers = [express.urlencoded({ extended: false })];
    for (const form of ['a=1&a=2', 'a%5Bb%5D=1', 'a[b]=1&a[b]=2', 'a=x+y', 'caf%C3%A9=%20']) {
      const { content = '' } = (await behind(parsers, FORM_TYPE, form)) as { content?: string };
      expect([...new URLSearchParams(content)]).toEqual([...new URLSearchParams(form)]);
    }
  });

  it('are named if they cannot be undone', async () => {
    const latin1: HeaderList = [['Content-Type', 'application/x-www-form-urlencoded; charset=iso-8859-1']];
    expect(await behind([express.urlencoded()], latin1, 'a=%E9')).toMatchObject({
      error: expect.stringMatching(/cannot be encoded again/),
    });
    expect(await behind([express.urlencoded()], latin1, 'a=e')).toMatchObject({ content: 'a=e' });
    expect(await behind([multer().any()], MULTIPART_TYPE, MULTIPART)).toMatchObject({
      error: expect.stringMatching(/multer/),
    });
    expect(await behind([multer().none()], JSON_TYPE, '{"a":1}')).toMatchObject({ content: '{"a":1}' });
  });

  it('of body-parser behave the same', async () => {
    const parsers = [bodyParser.json(), bodyParser.urlencoded(), bodyParser.text(), bodyParser.raw()];
    expect(await behind(parsers, JSON_TYPE, '{"a":1}')).toMatchObject({ content: '{"a":1}' });
    expect(await behind(parsers, FORM_TYPE, 'a=1')).toMatchObject({ content: 'a=1' });
  });

  it('can keep the octets in rawBody', async () => {
    const verify = (req: object, _res: unknown, rawBody: Buffer): void => {
      Object.assign(req, { rawBody });
    };
    expect(await behind([express.urlencoded({ verify })], FORM_TYPE, 'b=%31&&a')).toMatchObject({
      content: 'b=%31&&a',
    });
    const gzip: HeaderList = [...JSON_TYPE, ['Content-Encoding', 'gzip']];
    expect(await behind([express.json({ verify })], gzip, gzipSync('{ }'))).toMatchObject({ content: '{ }' });
  });

  it('keep the application from running when they refuse content', async () => {
    const { app, errors } = appWith(express.json({ limit: 4 }), toExpress(report));
    const response = await post(await serveExpress(app), JSON_TYPE, '{"a":1}');
    expect([response.statusCode, errors.length]).toEqual([413, 1]);
  });
});

describe('parsers of Fastify', () => {
  async function within(
    prepare: (app: FastifyInstance) => unknown,
    headers: HeaderList,
    content: string | Uint8Array,
  ) {
    const app = fastify();
    await prepare(app);
    app.register(toFastify(report, { environ: createLog().environ }), { prefix: '/x' });
    return reported(await post(await serveFastify(app), headers, content));
  }

  const PARSERS: Readonly<Record<string, (app: FastifyInstance) => unknown>> = {
    'of its own': () => {},
    formbody: (app) => app.register(formbody),
    multipart: (app) => app.register(multipart),
    'multipart, attached': (app) => app.register(multipart, { attachFieldsToBody: true }),
    'multipart, attached by value': (app) => app.register(multipart, { attachFieldsToBody: 'keyValues' }),
    'as string': (app) =>
      app.addContentTypeParser('*', { parseAs: 'string' }, (_r, body, done) => done(null, body)),
    'as buffer': (app) =>
      app.addContentTypeParser(/^.*$/, { parseAs: 'buffer' }, (_r, body, done) => done(null, body)),
    'as stream': (app) =>
      app.addContentTypeParser('text/plain', (_r, payload, done) => {
        payload.resume();
        payload.on('end', () => done(null, {}));
      }),
  };

  it.each(Object.keys(PARSERS))('are not called: %s', async (name) => {
    for (const [headers, content] of [
      [JSON_TYPE, '{ "a": 1 }'],
      [FORM_TYPE, 'a=%31'],
      [MULTIPART_TYPE, MULTIPART],
      [[['Content-Type', 'text/plain']], 'text'],
      [[], 'no type'],
    ] satisfies [HeaderList, string][]) {
      const environ = await within(PARSERS[name] ?? (() => {}), headers, content);
      expect(environ).toMatchObject({ content, CONTENT_LENGTH: `${content.length}` });
    }
  });

  it.each([
    [
      'middie',
      async (app: FastifyInstance) => {
        await app.register(middie);
        app.use(express.json());
      },
    ],
    [
      '@fastify/express',
      async (app: FastifyInstance) => {
        await app.register(fastifyExpress);
        app.use(express.json());
      },
    ],
  ] as const)('of Express, by %s, are undone', async (_name, prepare) => {
    expect(await within(prepare, JSON_TYPE, '{ "a": 1 }')).toMatchObject({
      content: '{"a":1}',
      CONTENT_LENGTH: '7',
    });
    expect(await within(prepare, FORM_TYPE, 'a=%31')).toMatchObject({ content: 'a=%31' });
  });
});

describe('parsers unknown to toNode', () => {
  it('make it fail at once', async () => {
    const log = createLog();
    const listener = toNode(report, { environ: log.environ });
    const app = fastify();
    app.post('/x', (request, reply) => {
      reply.hijack();
      listener(request.raw, reply.raw);
    });
    const response = await post(await serveFastify(app), JSON_TYPE, '{"a":1}');
    expect(response.statusCode).toBe(500);
    expect(log.text).toContain('JSON parser');
  });

  it('can have cut the request off', async () => {
    const log = createLog();
    const listener = toNode(report, { environ: log.environ });
    const server = createServer((req, res) => {
      // Leaving the loop destroys the request but not the response.
      const readOnce = async (): Promise<void> => {
        for await (const chunk of req) if (chunk) break;
      };
      void readOnce().then(() => listener(req, res));
    });
    const client = (await listen(server)).open();
    client.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab');
    expect((await client.readResponse()).statusCode).toBe(500);
    expect(log.text).toContain('read by something else');
  });
});
