/** cors with preflight, credentials and all kinds of origins, and express-rate-limit. */
import cors, { type CorsOptions } from 'cors';
import type { ErrorRequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { describe, expect, it } from 'vitest';
import type { WireRequest } from '../../bridges/site.ts';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const PREFLIGHT: WireRequest = {
  method: 'OPTIONS',
  headers: [
    ['Origin', 'http://a.test'],
    ['Access-Control-Request-Method', 'PUT'],
    ['Access-Control-Request-Headers', 'x-a, x-b'],
  ],
};
const OPTIONS: readonly (readonly [string, CorsOptions | undefined])[] = [
  ['by default', undefined],
  ['one origin', { origin: 'http://a.test' }],
  ['several origins', { origin: ['http://a.test', /b\.test$/], credentials: true }],
  ['a function', { origin: (origin, callback) => callback(null, origin === 'http://a.test') }],
  ['a refusal', { origin: (_origin, callback) => callback(new Error('Not allowed')) }],
  [
    'everything',
    {
      origin: true,
      methods: ['GET', 'PUT'],
      allowedHeaders: ['X-A'],
      exposedHeaders: ['X-C'],
      credentials: true,
      maxAge: 60,
      optionsSuccessStatus: 200,
    },
  ],
  ['a preflight passed on', { preflightContinue: true }],
  ['nothing', { origin: false }],
];

describe('cors', () => {
  it.each(OPTIONS)('answers with %s', async (name, options) => {
    const program = expressProgram((app) => {
      app.use(cors(options));
      app.all('/', (req, res) => void res.send(`after ${req.method}`));
      const refuse: ErrorRequestHandler = (error, _req, res, _next) =>
        void res.status(403).send(error.message);
      app.use(refuse);
    });
    const { text, responses } = await expectAlike(program, async ({ fetch }) => {
      await fetch(PREFLIGHT);
      await fetch({ method: 'OPTIONS' });
      await fetch({ headers: [['Origin', 'http://a.test']] });
      await fetch({ headers: [['Origin', 'http://x.b.test']] });
      await fetch({ method: 'HEAD', headers: [['Origin', 'null']] });
      await fetch({});
    });
    expect(responses).toHaveLength(6);
    if (name === 'by default') expect(text).toContain('Access-Control-Allow-Headers: x-a, x-b');
    if (name === 'several origins') expect(text).toContain('Access-Control-Allow-Origin: http://x.b.test');
    if (name === 'a refusal') expect(text).toContain('Not allowed');
  });

  it('answers a preflight for one route', async () => {
    const program = expressProgram((app) => {
      app.options('/one', cors({ methods: 'DELETE' }));
      app.delete('/one', cors(), (_req, res) => void res.end('gone'));
    });
    const { text } = await expectAlike(program, async ({ fetch }) => {
      await fetch({ ...PREFLIGHT, target: '/one' });
      await fetch({ method: 'DELETE', target: '/one', headers: [['Origin', 'http://a.test']] });
      await fetch({ ...PREFLIGHT, target: '/other' });
    });
    expect(text).toMatch(/^HTTP\/1\.1 204 No Content/);
    expect(text).toContain('Access-Control-Allow-Methods: DELETE');
  });
});

const MASKS = [/^((?:X-)?RateLimit-Reset: ).*$/gim, /^(Retry-After: ).*$/gim, /((?:reset|t)=)\d+/g];

describe('express-rate-limit', () => {
  it.each(['draft-6', 'draft-7', 'draft-8', false] as const)(
    'counts requests with the fields of %s',
    async (draft) => {
      const program = expressProgram((app, trail) => {
        app.use(
          rateLimit({
            windowMs: 60_000,
            limit: 2,
            standardHeaders: draft,
            legacyHeaders: draft === false,
            handler: (req, res, _next, options) => {
              trail.push(`${req.ip} ${JSON.stringify({ ...Reflect.get(req, 'rateLimit'), resetTime: 0 })}`);
              res.status(options.statusCode).send(options.message);
            },
          }),
        );
        app.get('/', (_req, res) => void res.send('fine'));
      });
      const visit = expectAlike(
        program,
        async ({ fetch }) => {
          for (let count = 0; count < 4; count += 1) await fetch('/');
        },
        { masks: MASKS, isSeparate: true },
      );
      const { responses, trail } = await visit;
      expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429, 429]);
      expect(trail[0]).toMatch(/^127\.0\.0\.1 \{.*"used":3/);
      expect(responses[0]?.raw).toMatch(/^(X-)?RateLimit(-Limit)?: /im);
    },
  );

  it('does not count skipped or failed requests', async () => {
    const program = expressProgram((app) => {
      app.use(
        rateLimit({
          limit: 1,
          skipFailedRequests: true,
          skip: (req) => req.path === '/free',
          requestWasSuccessful: (_req, res) => res.statusCode < 400,
        }),
      );
      app.get('/free', (_req, res) => void res.send('free'));
      app.get('/fails', (_req, res) => void res.sendStatus(500));
      app.get('/works', (_req, res) => void res.sendStatus(200));
    });
    const visit = expectAlike(
      program,
      async ({ fetch }) => {
        for (const target of '/free /free /fails /fails /works /works'.split(' ')) await fetch(target);
      },
      { masks: MASKS, isSeparate: true },
    );
    expect((await visit).responses.map(({ statusCode }) => statusCode)).toEqual([
      200, 200, 500, 500, 200, 429,
    ]);
  });
});
