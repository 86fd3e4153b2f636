/** node:http2 with a listener written by hand, over its compatibility API: the reference for our server over HTTP/2. */
import { createServer } from 'node:http2';
import { type Contender, HELLO, HELLO_LENGTH, listenOn } from './contender.ts';

export const contender: Contender = {
  listen: () =>
    listenOn(
      createServer((_req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': HELLO_LENGTH });
        res.end(HELLO);
      }),
    ),
};
