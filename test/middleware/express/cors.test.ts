/** cors: simple requests, preflight, credentials, origins of all kinds. */
import cors, { type CorsOptions } from 'cors';
import type { ErrorRequestHandler } from 'express';
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
  ['what goes on', { preflightContinue: true }],
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
