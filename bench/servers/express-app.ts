/** An Express app without settings, with one route. */
import express, { type Express } from 'express';
import { HELLO } from './contender.ts';

export function createApp(): Express {
  const app = express();
  app.get('/', (_req, res) => {
    res.type('text/plain').send(HELLO);
  });
  return app;
}
