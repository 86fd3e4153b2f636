/**
 * An unchanged Fastify app on the standalone server.
 *
 *     npx tsx examples/serve-fastify.ts
 *     curl -i 'http://127.0.0.1:8124/sum?a=1&b=2'
 */
import fastify from 'fastify';
import { fromFastify } from 'gatebridge/fastify';
import { serve } from 'gatebridge/server';

const app = fastify();
const querystring = {
  type: 'object',
  required: ['a', 'b'],
  properties: { a: { type: 'number' }, b: { type: 'number' } },
};
app.get<{ Querystring: { a: number; b: number } }>('/sum', { schema: { querystring } }, (request) => {
  return { sum: request.query.a + request.query.b };
});

const server = await serve(fromFastify(app), { port: process.env.PORT });
console.log(server.url);
