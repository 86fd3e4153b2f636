/** The answer of the mounted application, written by hand in Fastify. */
import fastify from 'fastify';
import { type Contender, HELLO_LENGTH, HELLO_OCTETS } from './contender.ts';

export const contender: Contender = {
  async listen() {
    const instance = fastify();
    instance.get('/', (_request, reply) => {
      reply.header('Content-Type', 'text/plain').header('Content-Length', HELLO_LENGTH).send(HELLO_OCTETS);
    });
    await instance.listen({ port: 0, host: '127.0.0.1' });
    return instance.server;
  },
};
