/** supertest with `createServer(fromFastify(app))`, which it makes listen and closes itself. */
import cookie from '@fastify/cookie';
import multipart from '@fastify/multipart';
import fastify, { type FastifyInstance } from 'fastify';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import { createServer } from '../../../src/server/index.ts';

let app: FastifyInstance;
const servers: Record<string, () => Parameters<typeof supertest>[0]> = {
  'node:http': () => app.server,
  'createServer(fromFastify(app))': () => createServer(fromFastify(app)),
};

beforeAll(async () => {
  app = fastify();
  await app.register(cookie, { secret: 'secret' });
  await app.register(multipart);
  app.get('/hello', async (req) => ({ hello: req.query }));
  app.post('/echo', async (req) => req.body);
  app.post('/upload', async (req) => {
    const file = await req.file();
    return { name: file?.filename, length: (await file?.toBuffer())?.length };
  });
  app.get('/login', (_req, reply) =>
    reply.setCookie('user', 'x', { signed: true, path: '/' }).redirect('/me'),
  );
  app.get('/me', async (req) => req.unsignCookie(req.cookies.user ?? ''));
  app.get('/error', async () => Promise.reject(new Error('failed')));
  await app.ready();
});

afterAll(() => app.close());

describe.each(Object.keys(servers))('supertest with %s', (name) => {
  const server = (): Parameters<typeof supertest>[0] => servers[name]?.() ?? '';

  it('sends requests and gets answers', async () => {
    await supertest(server())
      .get('/hello?a=1')
      .expect(200, { hello: { a: '1' } })
      .expect('Content-Type', /json/);
    await supertest(server())
      .post('/echo')
      .send({ deep: [1] })
      .expect(200, { deep: [1] });
    await supertest(server()).get('/error').expect(500);
    await supertest(server()).get('/nowhere').expect(404);
    await supertest(server()).head('/hello').expect(200);
  });

  it('uploads files', async () => {
    const content = Buffer.alloc(100_000, 'x');
    await supertest(server())
      .post('/upload')
      .attach('file', content, 'big.bin')
      .expect(200, { name: 'big.bin', length: 100_000 });
  });

  it('keeps cookies and follows redirects', async () => {
    const agent = supertest.agent(server());
    await agent.get('/me').expect(200, { valid: false, renew: false, value: null });
    await agent.get('/login').redirects(1).expect(200, { valid: true, renew: false, value: 'x' });
    await agent.get('/me').expect(200, { valid: true, renew: false, value: 'x' });
  });
});
