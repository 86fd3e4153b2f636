/** The Express app: the page itself, and everything that is mounted in it. */
import { join } from 'node:path';
import express, { type Express } from 'express';
import { toExpress } from 'gatebridge/express';
import { fromFastify } from 'gatebridge/fastify';
import { createFastifyApp } from './fastify-app.ts';
import { ClassForm, functionForm, instanceForm } from './forms.ts';
import { report } from './report.ts';
import { remember, seenEnviron } from './seen.ts';

/** The page loads nothing from other origins. */
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export function createSite(): Express {
  const site = express();
  site.use((_request, response, next) => {
    response.set('Content-Security-Policy', POLICY).set('X-Content-Type-Options', 'nosniff');
    next();
  });

  site.use('/function', toExpress(functionForm));
  site.use('/class', toExpress(ClassForm));
  site.use('/instance', toExpress(instanceForm));
  site.use('/fastify', toExpress(remember(fromFastify(createFastifyApp()))));

  site.use('/express', (request, response) => {
    const note = `Express routed ${request.originalUrl} to this handler.`;
    response.type('json').send(Buffer.from(report(seenEnviron(), note)));
  });
  site.use(express.static(join(import.meta.dirname, 'public')));
  return site;
}
