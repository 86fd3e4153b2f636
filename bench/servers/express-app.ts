/** An Express app without settings. */
import express, { type Express } from 'express';
import { HELLO } from './contender.ts';
import { sendEvents, sendPieces } from './streamed.ts';

export function createApp(): Express {
  const app = express();
  app.get('/', (_req, res) => {
    res.type('text/plain').send(HELLO);
  });
  app.get('/down', (_req, res) => sendPieces(res));
  app.get('/events', (_req, res) => sendEvents(res));
  return app;
}
