/** Whole apps of Express and Fastify as functions: forms, uploads, sessions, compression, links. */

import { gunzipSync } from 'node:zlib';
import fastifyCookie from '@fastify/cookie';
import fastifyMultipart from '@fastify/multipart';
import compression from 'compression';
import express from 'express';
import session from 'express-session';
import fastify from 'fastify';
import multer from 'multer';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../../bridges/express/index.ts';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import { toLambda } from '../../../bridges/lambda/index.ts';
import { EVENTS, restEvent } from './events.ts';
import { readResult } from './kit.ts';

const app = express();
app.use(compression({ threshold: 0 }));
app.use(session({ secret: 'x', resave: false, saveUninitialized: true }));
app.get('/count', (request, response) => {
  const kept: { count?: number } = request.session;
  kept.count = (kept.count ?? 0) + 1;
  response.json({ count: kept.count });
});
app.post('/form', express.urlencoded(), (request, response) => response.json(request.body));
app.post('/upload', multer().single('file'), (request, response) => {
  response.type('bin').send(request.file?.buffer);
});
app.get('/link', (request, response) => response.redirect(`${request.baseUrl}/count`));

const express5 = toLambda(fromExpress(app));

/** A file that is no text, in a form. */
const FILE = Buffer.from([0, 1, 0xff, 0xfe, 13, 10, 45, 45]);
const MULTIPART = Buffer.concat([
  Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'),
  FILE,
  Buffer.from('\r\n--b--\r\n'),
]);
const upload = {
  method: 'POST',
  target: '/upload',
  content: MULTIPART,
  fields: [['Content-Type', 'multipart/form-data; boundary=b']] as const,
};

describe.each(Object.entries(EVENTS))('an Express app, by %s', (_shape, makeEvent) => {
  it('keeps a session', async () => {
    const first = readResult(await express5(makeEvent({ target: '/count' })));
    const cookie = first.cookies()[0]?.split(';')[0] ?? '';
    const again = readResult(await express5(makeEvent({ target: '/count', fields: [['Cookie', cookie]] })));
    expect([first.content.toString(), again.content.toString()]).toEqual(['{"count":1}', '{"count":2}']);
  });

  it('reads a form', async () => {
    const fields = [['Content-Type', 'application/x-www-form-urlencoded']] as const;
    const event = makeEvent({ method: 'POST', target: '/form', content: 'a=%C3%A9+x&b=1&b=2', fields });
    expect(JSON.parse(readResult(await express5(event)).content.toString())).toEqual({
      a: 'é x',
      b: ['1', '2'],
    });
  });

  it('reads an upload, and sends it back', async () => {
    expect(readResult(await express5(makeEvent(upload))).content).toEqual(FILE);
  });

  it('compresses', async () => {
    const event = makeEvent({ target: '/count', fields: [['Accept-Encoding', 'gzip']] });
    const response = readResult(await express5(event));
    expect(response.field('content-encoding')).toBe('gzip');
    expect(gunzipSync(response.content).toString()).toBe('{"count":1}');
  });
});

it('links of an Express app have the stage', async () => {
  const response = readResult(await express5(restEvent({ target: '/link', stage: 'prod' })));
  expect(response.field('location')).toBe('/prod/count');
});

describe.each(Object.entries(EVENTS))('a Fastify instance, by %s', (_shape, makeEvent) => {
  const instance = fastify();
  instance.register(fastifyCookie);
  instance.register(fastifyMultipart);
  instance.get('/cookies', async ({ cookies }, reply) => {
    reply.setCookie('a', '1').setCookie('b', '2');
    return cookies;
  });
  instance.post('/upload', async (request, reply) => {
    const file = await request.file();
    return reply.type('application/octet-stream').send(await file?.toBuffer());
  });
  const handler = toLambda(fromFastify(instance));

  it('reads and sets cookies', async () => {
    const event = makeEvent({ target: '/cookies', fields: [['Cookie', 'x=1; y=2']] });
    const response = readResult(await handler(event));
    expect(JSON.parse(response.content.toString())).toEqual({ x: '1', y: '2' });
    expect(response.cookies()).toEqual(['a=1; SameSite=Lax', 'b=2; SameSite=Lax']);
  });

  it('reads an upload, and sends it back', async () => {
    expect(readResult(await handler(makeEvent(upload))).content).toEqual(FILE);
  });
});
