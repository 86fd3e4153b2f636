/** An Express app. */
import express from 'express';
import { fromExpress } from '../../../bridges/express/index.ts';
import type { ApplicationFunction } from '../../../src/index.ts';
import { brokenPieces, markedPieces } from './pieces.ts';

/** Makes an application of it. */
export function create(): ApplicationFunction {
  const app = express();
  // Its own page of errors is not logged.
  app.set('env', 'test');
  app.get('/greet/:name', (request, response) => {
    const { method, params, url } = request;
    response.append('Set-Cookie', ['a=1', 'b=2']).type('text/plain');
    response.send(`${method} ${params.name} ${url.slice(url.indexOf('?'))} ${request.get('X-Word')}`);
  });
  app.post('/echo', express.raw({ type: '*/*', limit: '1mb' }), (request, response) => {
    response
      .status(201)
      .type(`${request.get('Content-Type')}`)
      .send(request.body);
  });
  app.get('/stream', async (request, response) => {
    const source = markedPieces(`${request.get('X-Marks')}`);
    response.type('text/plain').on('close', () => void source.return(undefined));
    for await (const piece of source) response.write(piece);
    response.end();
  });
  app.get('/break', async (_request, response) => {
    for await (const piece of brokenPieces()) response.write(piece);
  });
  app.get('/fail', () => {
    throw new Error('Failed on purpose');
  });
  return fromExpress(app);
}
