/**
 * A gateway application inside Fastify, on node's own server. The prefix becomes SCRIPT_NAME, and hooks run.
 *
 *     npx tsx examples/mount-in-fastify.ts
 *     curl -i -d 'some content' http://127.0.0.1:8124/gateway/x/y
 */
import fastify from 'fastify';
import { type Environ, readText, type StartResponse } from 'gatebridge';
import { toFastify } from 'gatebridge/fastify';
import { printUrl } from './print-url.ts';

async function echo(environ: Environ, startResponse: StartResponse) {
  const text = await readText(environ);
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  const { SCRIPT_NAME, PATH_INFO } = environ;
  return [Buffer.from(`mounted at '${SCRIPT_NAME}', asked for '${PATH_INFO}', got '${text}'\n`)];
}

const app = fastify();
app.addHook('onSend', async (_request, reply) => {
  reply.header('x-hook', 'ran');
});
app.get('/', () => 'Fastify answers here, the gateway application at /gateway\n');
app.register(toFastify(echo), { prefix: '/gateway' });

const { PORT = '8124' } = process.env;
await app.listen({ port: Number(PORT), host: '127.0.0.1' });
printUrl(app.server);
