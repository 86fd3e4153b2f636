/** A whole stack of middleware: everything that patches a response sees what the next layer does. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import compression from 'compression';
import cookieParser from 'cookie-parser';
import cors from 'cors';
import express, { type ErrorRequestHandler } from 'express';
import session from 'express-session';
import helmet from 'helmet';
import methodOverride from 'method-override';
import morgan from 'morgan';
import responseTime from 'response-time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeaderList } from '../../../src/index.ts';
import { until, type WireRequest } from '../../bridges/site.ts';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

declare module 'express-session' {
  interface SessionData {
    seen: number;
  }
}

const MASKS = [
  /(connect\.sid=s%3A)[^;\s]+/g,
  /(Expires=)[^;\r]+/g,
  /^(X-Response-Time: )\S+/gm,
  /(took )\d+(\.\d+)?/g,
];

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'stack-'));
  await writeFile(join(root, 'style.css'), 'p { color: red }\n'.repeat(200));
});
afterAll(() => rm(root, { recursive: true }));

const program = expressProgram((app, trail) => {
  const stream = { write: (line: string) => void trail.push(line.trimEnd()) };
  app.set('trust proxy', 1).set('view cache', true);
  app.use(responseTime());
  app.use(
    morgan(':method :url :status :res[content-length] :res[content-encoding] took :response-time', {
      stream,
    }),
  );
  app.use(helmet(), cors({ credentials: true, origin: true }), compression({ threshold: 100 }));
  app.use('/static', express.static(root, { maxAge: '1h' }));
  app.use(
    express.json({ limit: '1kb' }),
    express.urlencoded({ extended: true }),
    methodOverride(),
    cookieParser('k'),
  );
  app.use(
    session({
      secret: 'k',
      resave: false,
      saveUninitialized: true,
      rolling: true,
      cookie: { maxAge: 60_000 },
    }),
  );
  app.use((req, res, next) => {
    req.session.seen = (req.session.seen ?? 0) + 1;
    // Many packages replace writeHead and end of a single response.
    const { writeHead, end } = res;
    res.writeHead = function patched(this: typeof res, ...parts: never[]) {
      res.setHeader('X-Patched', `${res.statusCode}`);
      return Reflect.apply(writeHead, this, parts);
    };
    res.end = function patched(this: typeof res, ...parts: never[]) {
      trail.push(`end of ${req.method} ${req.url}`);
      return Reflect.apply(end, this, parts);
    };
    next();
  });
  app.get(
    '/page',
    (req, res) => void res.cookie('c', '1', { signed: true }).send(`<p>${req.session.seen}`.repeat(50)),
  );
  app.get('/short', (_req, res) => void res.send('short'));
  app.get(
    '/json',
    (req, res) => void res.json({ cookie: req.signedCookies.c, list: Array(100).fill('item') }),
  );
  app.get('/stream', (_req, res) => void Readable.from(['one', 'two'.repeat(100)]).pipe(res.type('text')));
  app.get('/slow', async (_req, res) => {
    res.type('text').write('first '.repeat(50));
    await delay(5);
    res.end('second');
  });
  app.all('/form', (req, res) => void res.status(202).json([req.method, req.body]));
  app.get('/moved', (_req, res) => res.redirect('/page'));
  app.get('/none', (_req, res) => void res.sendStatus(204));
  app.get('/broken', async () => {
    await delay(1);
    throw new Error('broken');
  });
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    res.status(error.status ?? 500).json({ error: error.message, filler: 'x'.repeat(200) });
  };
  app.use(onError);
});

const REQUESTS: readonly WireRequest[] = [
  ...'/page /short /json /stream /slow /moved /none /broken /nowhere /static/style.css /static/none'
    .split(' ')
    .flatMap((target) => [{ target }, { target, method: 'HEAD' }]),
  { method: 'OPTIONS', target: '/form', headers: [['Access-Control-Request-Method', 'PUT']] },
  { method: 'POST', target: '/form', headers: [['Content-Type', 'application/json']], content: '{"a":1}' },
  { method: 'POST', target: '/form', headers: [['Content-Type', 'application/json']], content: '{"a"' },
  {
    method: 'POST',
    target: '/form',
    headers: [['Content-Type', 'application/json']],
    content: `"${'x'.repeat(2000)}"`,
  },
  {
    method: 'POST',
    target: '/form',
    headers: [
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ['X-HTTP-Method-Override', 'PUT'],
    ],
    content: 'a[b]=1',
  },
];

describe('a stack of middleware', () => {
  it.each(['gzip', 'identity'])('answers alike, with %s', async (coding) => {
    const { trail, responses } = await expectAlike(
      program,
      async (visitor) => {
        let cookies: HeaderList = [];
        for (const [index, request] of REQUESTS.entries()) {
          const headers: HeaderList = [
            ['Origin', 'http://a.test'],
            ['Accept-Encoding', coding],
            ['X-Forwarded-Proto', 'https'],
            ...cookies,
            ...(request.headers ?? []),
          ];
          const response = await visitor.fetch({ ...request, headers });
          const set = response.headers
            .filter(([name]) => name === 'Set-Cookie')
            .map(([, line]) => line.split(';')[0]);
          if (cookies.length === 0) cookies = [['Cookie', set.join('; ')]];
          await until(() => visitor.trail.filter((line) => line.includes(' took ')).length > index);
        }
      },
      { masks: MASKS },
    );
    const [page] = responses;
    const content = coding === 'gzip' ? gunzipSync(page?.content ?? '') : page?.content;
    expect(content?.toString()).toBe('<p>1'.repeat(50));
    expect(trail.filter((line) => line.includes(' took '))).toHaveLength(REQUESTS.length);
    expect(responses.map(({ statusCode }) => statusCode)).toContain(202);
    expect(responses.filter(({ raw }) => raw.includes('X-Patched: '))).not.toHaveLength(0);
  });
});
