/** A Fastify instance without options. */
import { Readable } from 'node:stream';
import fastify, { type FastifyInstance } from 'fastify';
import { HELLO, PIECE, PIECES, STREAM_LENGTH } from './contender.ts';
import { sendEvents } from './streamed.ts';

export function createInstance(): FastifyInstance {
  const instance = fastify();
  instance.get('/', (_request, reply) => {
    reply.type('text/plain').send(HELLO);
  });
  instance.get('/down', (_request, reply) => {
    reply.type('application/octet-stream').header('Content-Length', STREAM_LENGTH).send(createPieces());
  });
  instance.get('/events', (_request, reply) => {
    reply.hijack();
    sendEvents(reply.raw);
  });
  return instance;
}

/** Fastify's own way to stream is a Readable. */
function createPieces(): Readable {
  let sent = 0;
  return new Readable({
    read() {
      sent += 1;
      this.push(sent > PIECES ? null : PIECE);
    },
  });
}
