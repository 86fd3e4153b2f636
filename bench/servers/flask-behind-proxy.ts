/**
 * Flask on gunicorn behind a proxy in Express, with connections that are kept on both sides: by default neither keeps them, which costs
 * more.
 *
 * gunicorn closes a connection after two seconds without a request, and the agent may send its next one at that moment: the proxy then answers
 * 504 (socket hang up), two or three times in a thousand requests. So gunicorn waits longer than a load lasts, as for any proxy that keeps connections.
 */
import { Agent, createServer } from 'node:http';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { family, findPort, runBeside, untilAnswered } from './beside.ts';
import { type Contender, listenOn } from './contender.ts';
import { WORKERS, writeApplication } from './flask-app.ts';

/** Seconds. */
const KEEP_ALIVE = 75;

let gunicorn = 0;

export const contender: Contender = {
  pids: () => family(gunicorn),
  async listen() {
    const port = await findPort();
    const folder = writeApplication();
    gunicorn = await runBeside(
      `gunicorn --chdir ${folder} -w ${WORKERS} -k gthread -b 127.0.0.1:${port} --keep-alive ${KEEP_ALIVE} --log-level error hello_site:app`,
    );
    await untilAnswered(port);
    const app = express();
    app.use(
      createProxyMiddleware({
        target: `http://127.0.0.1:${port}`,
        agent: new Agent({ keepAlive: true }),
        on: {
          // So that all send the same fields.
          proxyRes(answer, _request, response) {
            delete answer.headers.server;
            delete answer.headers.connection;
            response.setHeader('Keep-Alive', 'timeout=5');
          },
        },
      }),
    );
    return listenOn(createServer(app));
  },
};
