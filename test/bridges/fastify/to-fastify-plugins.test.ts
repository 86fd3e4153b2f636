/**
 * Plugins around a mount treat its answers like those of a route. Each answer is sent twice, by an application and
 * by a route written by hand: the client gets the same.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import session from '@fastify/session';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { describe, expect, it } from 'vitest';
import { toFastify } from '../../../bridges/fastify/index.ts';
import type { WireResponse } from '../../../src/conformance/wire-client.ts';
import type { Application } from '../../../src/wsgi.ts';
import { answering, pieces, type WireRequest } from '../site.ts';
import { serve } from './fastify-site.ts';

const LONG = 'compress me '.repeat(1000);

/** One answer, by an application and by a route. */
interface Answer {
  readonly application: Application;
  reply(reply: FastifyReply): unknown;
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  small: {
    application: answering('small', [['Content-Type', 'text/plain']]),
    reply: (reply) => reply.type('text/plain').send(Buffer.from('small')),
  },
  long: {
    application: answering(LONG, [['Content-Type', 'text/plain']]),
    reply: (reply) => reply.type('text/plain').send(Buffer.from(LONG)),
  },
  pieces: {
    application: pieces([LONG, 'two'], [['Content-Type', 'text/plain']]),
    reply: (reply) => reply.type('text/plain').send(Readable.from([Buffer.from(LONG), Buffer.from('two')])),
  },
  missing: {
    application: answering('<p>none</p>', [['Content-Type', 'text/html']], '404 Not Found'),
    reply: (reply) => reply.code(404).header('content-type', 'text/html').send(Buffer.from('<p>none</p>')),
  },
  'a cookie': {
    application: answering(
      'moved',
      [
        ['Content-Type', 'text/plain'],
        ['Location', '/elsewhere'],
        ['Set-Cookie', 'own=1'],
      ],
      '303 See Other',
    ),
    reply: (reply) =>
      reply
        .code(303)
        .headers({ 'content-type': 'text/plain', location: '/elsewhere', 'set-cookie': 'own=1' })
        .send(Buffer.from('moved')),
  },
  empty: {
    application: answering('', [], '204 No Content'),
    reply: (reply) => reply.code(204).send(),
  },
};

const PLUGINS: Readonly<Record<string, (app: FastifyInstance) => unknown>> = {
  nothing: () => {},
  '@fastify/compress': (app) => app.register(compress),
  '@fastify/compress without a threshold': (app) => app.register(compress, { threshold: 0 }),
  '@fastify/cors': (app) => app.register(cors, { origin: true, credentials: true }),
  '@fastify/cookie': async (app) => {
    await app.register(cookie);
    app.addHook('onRequest', async (_request, reply) => {
      reply.setCookie('host', '1');
    });
  },
  '@fastify/session': async (app) => {
    await app.register(cookie);
    await app.register(session, { secret: 's'.repeat(32), cookie: { secure: false } });
  },
  'fields set in onSend': (app) =>
    app.addHook('onSend', async (_request, reply) => {
      reply.header('X-Frame-Options', 'DENY').header('x-powered-by', 'host').removeHeader('content-type');
    }),
  'an ETag made in onSend': (app) =>
    app.addHook('onSend', async (request, reply, payload) => {
      if (!(payload instanceof Uint8Array)) return payload;
      const tag = `"${createHash('sha1').update(payload).digest('hex')}"`;
      reply.header('etag', tag);
      if (request.headers['if-none-match'] === undefined) return payload;
      reply.code(304);
      return null;
    }),
  'content replaced by a string in onSend': (app) => app.addHook('onSend', async () => 'replaced'),
  'content replaced by a Buffer in onSend': (app) =>
    app.addHook('onSend', async () => Buffer.from('replaced')),
  'content replaced by a stream in onSend': (app) =>
    app.addHook('onSend', async () => Readable.from([Buffer.from('replaced')])),
  'content taken away in onSend': (app) => app.addHook('onSend', async () => null),
  'a status set in onSend': (app) =>
    app.addHook('onSend', async (_request, reply) => {
      reply.code(202);
    }),
  'all of it': async (app) => {
    await app.register(cookie);
    await app.register(session, { secret: 's'.repeat(32), cookie: { secure: false } });
    await app.register(cors);
    await app.register(compress, { threshold: 0 });
  },
};

const REQUESTS: Readonly<Record<string, WireRequest>> = {
  GET: { target: '/x/y' },
  HEAD: { target: '/x/y', method: 'HEAD' },
  'GET with gzip': { target: '/x/y', headers: [['Accept-Encoding', 'gzip']] },
  'HEAD with gzip': { target: '/x/y', method: 'HEAD', headers: [['Accept-Encoding', 'gzip']] },
  'GET if': { target: '/x/y', headers: [['If-None-Match', '"x"']] },
  'GET of HTTP/1.0': { target: '/x/y', protocol: 'HTTP/1.0' },
  'POST from elsewhere': {
    target: '/x/y',
    method: 'POST',
    content: 'a=1',
    headers: [
      ['Origin', 'http://elsewhere.test'],
      ['Content-Type', 'text/plain'],
    ],
  },
  OPTIONS: {
    target: '/x/y',
    method: 'OPTIONS',
    headers: [
      ['Origin', 'http://elsewhere.test'],
      ['Access-Control-Request-Method', 'PUT'],
    ],
  },
};

/** Masks values that two servers cannot share. */
function comparable({ statusCode, headers, framing, content }: WireResponse) {
  const fields = headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
  const masked = fields.map((line) => line.replace(/^(date|set-cookie: sessionId=).*/, '$1 …'));
  const isCompressed = fields.includes('content-encoding: gzip') && content.length > 0;
  const text = (isCompressed ? gunzipSync(content) : content).toString('latin1');
  return { statusCode, framing, fields: masked.sort(), text };
}

describe.each(Object.keys(PLUGINS))('with %s', (name) => {
  const around = async (inside: (app: FastifyInstance) => unknown) => {
    const app = fastify();
    await PLUGINS[name]?.(app);
    inside(app);
    return serve(app);
  };

  it.each(Object.keys(ANSWERS))('sends the same %s', async (answer) => {
    const { application, reply } = ANSWERS[answer] as Answer;
    const mounted = await around((app) => app.register(toFastify(application), { prefix: '/x' }));
    const byHand = await around((app) => app.all('/x/*', (_request, target) => reply(target)));
    for (const [title, request] of Object.entries(REQUESTS)) {
      const [actual, expected] = [
        comparable(await mounted.fetch(request)),
        comparable(await byHand.fetch(request)),
      ];
      expect({ title, ...actual }).toEqual({ title, ...expected });
    }
  });
});

describe('a page made from the list of routes', () => {
  it('leaves out the routes of the mount', async () => {
    const app = fastify();
    const hidden: unknown[] = [];
    // Collected as in @fastify/swagger.
    app.addHook('onRoute', ({ url, schema }) => {
      hidden.push([url, schema !== undefined && 'hide' in schema && schema.hide]);
    });
    await app.register(toFastify(answering('small', [])), { prefix: '/m' });
    await app.ready();
    expect(hidden.length).toBeGreaterThan(0);
    for (const route of hidden) expect(route).toEqual([expect.stringMatching(/^\/m/), true]);
    await app.close();
  });
});
