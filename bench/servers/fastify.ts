/** Fastify on node:http. */
import type { Contender } from './contender.ts';
import { createInstance } from './fastify-instance.ts';

export const contender: Contender = {
  async listen() {
    const instance = createInstance();
    await instance.listen({ port: 0, host: '127.0.0.1' });
    return instance.server;
  },
};
