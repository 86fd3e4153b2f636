/** The gateway application mounted in Fastify on node:http. */
import fastify from 'fastify';
import { toFastify } from 'gatebridge/fastify';
import type { Contender } from './contender.ts';
import { application } from './gateway-application.ts';

export const contender: Contender = {
  async listen() {
    const instance = fastify();
    instance.register(toFastify(application));
    await instance.listen({ port: 0, host: '127.0.0.1' });
    return instance.server;
  },
};
