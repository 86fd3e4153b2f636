/** An ordinary Fastify app. It knows nothing of gateways; only its report asks for the environ around it. */
import fastify, { type FastifyInstance } from 'fastify';
import { report } from './report.ts';
import { seenEnviron } from './seen.ts';

export function createFastifyApp(): FastifyInstance {
  const app = fastify();
  app.addHook('onSend', async (_request, reply) => {
    reply.header('X-Inner-Framework', `fastify ${app.version}`);
  });
  app.get('/*', async (request, reply) => {
    reply.type('application/json');
    return Buffer.from(report(seenEnviron(), `Fastify routed ${request.url} to this handler.`));
  });
  return app;
}
