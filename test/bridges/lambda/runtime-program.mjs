/** The handlers that a runtime client runs, as a user would write them. It is copied to where they would be deployed. */
import express from 'express';
import fastify from 'fastify';
import { fromExpress } from 'gatebridge/express';
import { fromFastify } from 'gatebridge/fastify';
import { toLambda } from 'gatebridge/lambda';

const app = express();
app.get('/hello', (request, response) => {
  response.cookie('a', '1').cookie('b', '2').json({ url: request.originalUrl, ip: request.ip });
});
app.get('/binary', (_request, response) => response.type('png').send(Buffer.from([0x89, 0x50, 0, 255])));
app.post('/echo', express.json(), (request, response) => response.send(request.body));
app.get('/fail', () => {
  throw new Error('broken');
});
// The rest follows when the test has seen the beginning.
app.get('/ticks', async (request, response) => {
  response.type('text/plain').write('one\n');
  await fetch(request.query.seen);
  response.end('two\n');
});
app.get('/empty', (_request, response) => response.status(204).end());

const instance = fastify();
instance.get('/sum', async ({ query }) => ({ sum: Number(query.a) + Number(query.b) }));

const cut = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return (async function* () {
    yield 'some';
    throw new Error('broken in the middle');
  })();
};

// An open connection, as to a database.
setInterval(() => {}, 10_000);

export const buffered = toLambda(fromExpress(app));
export const streaming = toLambda(fromExpress(app), { streaming: true });
export const ofFastify = toLambda(fromFastify(instance));
export const cutting = toLambda(cut, { streaming: true });
