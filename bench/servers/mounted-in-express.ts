/** The gateway application mounted in Express on node:http. */
import { createServer } from 'node:http';
import express from 'express';
import { toExpress } from 'gatebridge/express';
import { type Contender, listenOn } from './contender.ts';
import { application } from './gateway-application.ts';

export const contender: Contender = {
  listen() {
    const app = express();
    app.use(toExpress(application));
    return listenOn(createServer(app));
  },
};
