/** A Fastify app. */
import { Readable } from 'node:stream';
import fastify from 'fastify';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import type { ApplicationFunction } from '../../../src/index.ts';
import { brokenPieces, markedPieces } from './pieces.ts';

/** Makes an application of it. */
export function create(): ApplicationFunction {
  const app = fastify();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.get<{ Params: { name: string } }>('/greet/:name', async (request, reply) => {
    const { method, params, url, headers } = request;
    reply.header('Set-Cookie', ['a=1', 'b=2']).type('text/plain; charset=utf-8');
    return `${method} ${params.name} ${url.slice(url.indexOf('?'))} ${headers['x-word']}`;
  });
  app.post('/echo', async (request, reply) => {
    reply.code(201).type(`${request.headers['content-type']}`);
    return request.body;
  });
  app.get('/stream', async (request, reply) => {
    reply.type('text/plain');
    return Readable.from(markedPieces(`${request.headers['x-marks']}`));
  });
  app.get('/break', async () => Readable.from(brokenPieces()));
  app.get('/fail', async () => {
    throw new Error('Failed on purpose');
  });
  return fromFastify(app);
}
