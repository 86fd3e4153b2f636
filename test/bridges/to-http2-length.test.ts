/**
 * Content of unknown length over HTTP/2. No field announces it there (RFC 9113 §8.1), but the parsers of wrapped apps, which were
 * made for HTTP/1.1, go by the fields.
 */
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer } from 'node:http2';
import { text } from 'node:stream/consumers';
import { createGunzip, gzipSync } from 'node:zlib';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import type { Application } from '../../src/index.ts';
import { createServer as createOwnServer } from '../../src/server/index.ts';
import { atEnd, listen, siteOf } from './site.ts';

/** Tells what a parser of Express found, and the fields that announce content. */
function createApp(): Application {
  const app = express();
  app.use(express.json(), (request, response) => {
    const {
      'transfer-encoding': coding,
      'content-length': length,
      'content-encoding': compression,
    } = request.headers;
    response.json({ body: request.body, coding, length, compression });
  });
  return fromExpress(app);
}

type Serve = (application: Application) => Promise<number>;

const onServer: Serve = async (application) =>
  (await listen(createOwnServer(application, { http2: true }))).port;

const inNode: Serve = async (application) => (await listen(createServer(toNode(application)))).port;

const inFastify: Serve = async (application) => {
  const instance = fastify({ http2: true });
  // Decompresses, as hooks of plugins do.
  instance.addHook('preParsing', async (request, _reply, payload) => {
    return request.headers['content-encoding'] === 'gzip' ? payload.pipe(createGunzip()) : payload;
  });
  instance.register(toFastify(application));
  await instance.listen({ port: 0, host: '127.0.0.1' });
  atEnd(() => instance.close());
  return siteOf(instance.server).port;
};

async function open(serve: Serve, application: Application = createApp()): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${await serve(application)}`);
  await once(session, 'connect');
  atEnd(() => session.destroy());
  return session;
}

interface Sent {
  readonly fields?: Record<string, string>;
  readonly content?: string | Buffer;
}

async function ask(session: ClientHttp2Session, method: string, sent: Sent = {}): Promise<unknown> {
  const { fields = {}, content } = sent;
  const head = { ':path': '/', ':method': method, 'content-type': 'application/json', ...fields };
  const stream = session.request(head, { endStream: content === undefined });
  if (content !== undefined) stream.end(content);
  return JSON.parse(await text(stream));
}

describe.each([
  ['the standalone server', onServer],
  ['toNode', inNode],
  ['toFastify', inFastify],
])('%s over HTTP/2', (_name, serve) => {
  it.each(['POST', 'PUT', 'DELETE', 'GET'])('content without a length is announced: %s', async (method) => {
    const answer = await ask(await open(serve), method, { content: '{"a":1}' });
    expect(answer).toEqual({ body: { a: 1 }, coding: 'chunked' });
  });

  it('a length announces content alone', async () => {
    const sent = { content: '{"a":1}', fields: { 'content-length': '7' } };
    expect(await ask(await open(serve), 'POST', sent)).toEqual({ body: { a: 1 }, length: '7' });
  });

  it.each(['GET', 'POST'])('a request that ends with its head announces nothing: %s', async (method) => {
    expect(await ask(await open(serve), method)).toEqual({});
  });
});

it('toFastify: content that a hook decodes is announced as it is read', async () => {
  const sent = { content: gzipSync('{"a":1}'), fields: { 'content-encoding': 'gzip' } };
  expect(await ask(await open(inFastify), 'POST', sent)).toEqual({ body: { a: 1 }, coding: 'chunked' });
});

it.each([
  ['the standalone server', onServer],
  ['toNode', inNode],
])('%s: gateway.raw_headers has the fields as received', async (_name, serve) => {
  const tell: Application = (environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'application/json']]);
    const { HTTP_TRANSFER_ENCODING: coding, 'gateway.raw_headers': raw = [] } = environ;
    return [Buffer.from(JSON.stringify({ coding, raw: raw.includes('transfer-encoding') }))];
  };
  expect(await ask(await open(serve, tell), 'POST', { content: 'x' })).toEqual({
    coding: 'chunked',
    raw: false,
  });
});
