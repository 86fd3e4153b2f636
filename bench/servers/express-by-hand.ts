/** The answer of the mounted application, written by hand in Express. */
import { createServer } from 'node:http';
import express from 'express';
import { type Contender, HELLO_LENGTH, HELLO_OCTETS, listenOn } from './contender.ts';

export const contender: Contender = {
  listen() {
    const app = express();
    app.use((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': HELLO_LENGTH });
      res.end(HELLO_OCTETS);
    });
    return listenOn(createServer(app));
  },
};
