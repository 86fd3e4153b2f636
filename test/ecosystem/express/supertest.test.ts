/** supertest as Express users call it: with the app itself, and with our server around the app. */
import { Server as NodeServer } from 'node:http';
import cookieParser from 'cookie-parser';
import express, { type Express } from 'express';
import session from 'express-session';
import multer from 'multer';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../../bridges/express/index.ts';
import { toNode } from '../../../bridges/node/index.ts';
import { createServer } from '../../../src/server/index.ts';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

function createApp(): Express {
  const app = express();
  app.set('env', 'test');
  app.use(express.json(), express.urlencoded({ extended: true }), express.text(), cookieParser());
  app.use(session({ secret: 's', resave: false, saveUninitialized: false }));
  app.get('/', (_req, res) => void res.send('hello'));
  app.get('/user', (_req, res) => void res.status(201).json({ name: 'u' }));
  app.post('/echo', (req, res) => void res.json({ body: req.body, type: req.get('content-type') }));
  app.get('/moved', (_req, res) => res.redirect('/user'));
  app.get('/cookie', (req, res) => void res.cookie('seen', 'yes').send(req.cookies));
  app.get('/visits', (req, res) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    res.send(`${req.session.visits}`);
  });
  app.post('/upload', multer().single('file'), (req, res) => {
    res.json([req.file?.originalname, req.file?.size, req.body.field]);
  });
  app.get('/auth', (req, res) => void res.send(req.get('authorization')));
  app.get('/binary', (_req, res) => void res.type('bin').send(Buffer.from([0, 1, 255])));
  app.get('/query', (req, res) => void res.json(req.query));
  app.delete('/gone', (_req, res) => void res.sendStatus(204));
  return app;
}

type Target = Parameters<typeof request>[0];

const TARGETS: readonly (readonly [string, (app: Express) => Target])[] = [
  ['the app itself', (app) => app],
  ['node:http', (app) => new NodeServer(app)],
  ['createServer(fromExpress(app))', (app) => createServer(fromExpress(app))],
  ['toNode(fromExpress(app))', (app) => toNode(fromExpress(app))],
  ['an app with toExpress(fromExpress(app))', (app) => express().use(toExpress(fromExpress(app)))],
];

describe.each(TARGETS)('supertest on %s', (_name, targetOf) => {
  const target = (): Target => targetOf(createApp());

  it('sends requests and checks answers', async () => {
    await request(target())
      .get('/')
      .expect(200, 'hello')
      .expect('Content-Type', /html/)
      .expect('X-Powered-By', 'Express');
    await request(target()).get('/user').expect(201, { name: 'u' });
    await request(target()).head('/user').expect(201).expect('Content-Length', '12');
    await request(target())
      .post('/echo')
      .send({ a: [1] })
      .expect(200, { body: { a: [1] }, type: 'application/json' });
    await request(target())
      .post('/echo')
      .type('form')
      .send('a[b]=1')
      .expect((res) => expect(res.body.body).toEqual({ a: { b: '1' } }));
    await request(target())
      .post('/echo')
      .set('Content-Type', 'text/plain')
      .send('text')
      .expect((res) => expect(res.body.body).toBe('text'));
    await request(target()).get('/query').query({ a: 1, b: 'ü' }).expect({ a: '1', b: 'ü' });
    await request(target()).get('/auth').auth('u', 'p').expect('Basic dTpw');
    await request(target()).delete('/gone').expect(204, {});
    await request(target()).get('/nowhere').expect(404);
    const { body } = await request(target()).get('/binary').responseType('blob').expect(200);
    expect([...body]).toEqual([0, 1, 255]);
  });

  it('follows redirects and uploads', async () => {
    await request(target()).get('/moved').expect(302).expect('Location', '/user');
    await request(target()).get('/moved').redirects(1).expect(201, { name: 'u' });
    await request(target())
      .post('/upload')
      .field('field', 'value')
      .attach('file', Buffer.alloc(100_000, 'x'), 'name.bin')
      .expect(200, ['name.bin', 100_000, 'value']);
  });

  it('keeps cookies of an agent', async () => {
    const agent = request.agent(target());
    await agent.get('/cookie').expect(200, {});
    await agent.get('/cookie').expect(200, { seen: 'yes' });
    await agent.get('/visits').expect('1');
    await agent.get('/visits').expect('2');
    await agent
      .get('/visits')
      .expect('3')
      .expect((res) => expect(res.headers['set-cookie']).toBeUndefined());
  });

  it('fails when an expectation does not hold', async () => {
    await expect(request(target()).get('/').expect(500)).rejects.toThrow(
      'expected 500 "Internal Server Error", got 200 "OK"',
    );
  });
});

describe('supertest', () => {
  it('uses a server that already listens', async () => {
    const server = createServer(fromExpress(createApp()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    try {
      const agent = request.agent(server);
      await Promise.all(Array.from({ length: 10 }, () => agent.get('/').expect(200, 'hello')));
      expect(server.listening).toBe(true);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
