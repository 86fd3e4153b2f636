/** Express apps for the tests of mounts. */
import { createServer } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { listen, type Site } from '../site.ts';

/** Makes an app listen until the end of the test. */
export function serve(app: Express): Promise<Site> {
  return listen(createServer(app));
}

/** Makes an Express app that records the errors it gets. */
export function appWith(...handlers: RequestHandler[]): { app: Express; errors: unknown[] } {
  const errors: unknown[] = [];
  const app = express();
  for (const handler of handlers) app.use(handler);
  const remember: ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error);
    res.status(error?.statusCode ?? 500).send('handled');
  };
  app.use(remember);
  return { app, errors };
}
