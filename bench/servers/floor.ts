/**
 * The floor: the cost of a socket of node:net alone. It finds the end of a head and answers canned octets; it parses
 * nothing, checks nothing and has no time-outs.
 */
import { createServer } from 'node:net';
import { type Contender, HELLO, HELLO_LENGTH, listenOn } from './contender.ts';

const ANSWER = [
  'HTTP/1.1 200 OK',
  'Content-Type: text/plain',
  `Content-Length: ${HELLO_LENGTH}`,
  `Date: ${new Date().toUTCString()}`,
  'Connection: keep-alive',
  'Keep-Alive: timeout=5',
  '',
  HELLO,
].join('\r\n');
const END_OF_HEAD = '\r\n\r\n';

export const contender: Contender = {
  listen() {
    const server = createServer({ noDelay: true }, (socket) => {
      // The start of a head that continues in the next read.
      let rest = '';
      socket.on('data', (octets) => {
        const text = rest + octets.toString('latin1');
        let count = 0;
        let from = 0;
        for (let at = text.indexOf(END_OF_HEAD); at !== -1; at = text.indexOf(END_OF_HEAD, from)) {
          count += 1;
          from = at + END_OF_HEAD.length;
        }
        rest = from === text.length ? '' : text.slice(from);
        if (count === 1) socket.write(ANSWER, 'latin1');
        else if (count > 1) socket.write(ANSWER.repeat(count), 'latin1');
      });
      // The load reports its own resets.
      socket.on('error', () => socket.destroy());
    });
    return listenOn(server);
  },
};
