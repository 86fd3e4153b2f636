/** node:http2 with a listener of `stream`, below its compatibility API: the least that a program can do there. */
import { createServer } from 'node:http2';
import { type Contender, HELLO, HELLO_LENGTH, listenOn } from './contender.ts';

export const contender: Contender = {
  listen() {
    const server = createServer();
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/plain', 'content-length': HELLO_LENGTH });
      stream.end(HELLO);
    });
    return listenOn(server);
  },
};
