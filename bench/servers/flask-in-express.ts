/** Flask mounted in Express by fromPython. */
import { createServer } from 'node:http';
import express from 'express';
import { toExpress } from 'gatebridge/express';
import { fromPython } from 'gatebridge/python';
import { type Contender, listenOn } from './contender.ts';
import { PYTHON, WORKERS, writeApplication } from './flask-app.ts';

let pids = (): readonly number[] => [];

export const contender: Contender = {
  pids: () => pids(),
  async listen() {
    const application = fromPython({
      application: 'hello_site:app',
      folder: writeApplication(),
      python: PYTHON,
      workers: WORKERS,
      eager: true,
    });
    pids = () => application.pids;
    await application.ready();
    const app = express();
    app.use(toExpress(application));
    return listenOn(createServer(app));
  },
};
