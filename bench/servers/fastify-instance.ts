/** A Fastify instance without options, with one route. */
import fastify, { type FastifyInstance } from 'fastify';
import { HELLO } from './contender.ts';

export function createInstance(): FastifyInstance {
  const instance = fastify();
  instance.get('/', (_request, reply) => {
    reply.type('text/plain').send(HELLO);
  });
  return instance;
}
