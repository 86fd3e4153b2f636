/** express-rate-limit: the fields of every draft, and 429 when it is too much. */
import { rateLimit } from 'express-rate-limit';
import { describe, expect, it } from 'vitest';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const MASKS = [/^((?:X-)?RateLimit-Reset: ).*$/gim, /^(Retry-After: ).*$/gim, /((?:reset|t)=)\d+/g];

describe('express-rate-limit', () => {
  it.each(['draft-6', 'draft-7', 'draft-8', false] as const)(
    'counts, with the fields of %s',
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

  it('does not count what is skipped or failed', async () => {
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
