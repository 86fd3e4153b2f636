/** Scenarios with content that is read, read late, or not read at all. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { follow, followMessages, post, type Scenario, type Trail } from './scenario.ts';
import { pause } from './side-by-side.ts';

const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Notes the state of a request and its content. */
function look({ complete, readableLength, readableEnded, destroyed }: IncomingMessage, trail: Trail): void {
  trail.push(JSON.stringify({ complete, readableLength, readableEnded, destroyed }));
}

/** Sends five octets of content, the first two together with the head. */
async function sendInTwoPieces(socket: Socket): Promise<void> {
  socket.write(`${post(5)}he`);
  await pause(10);
  socket.write('llo');
}

export const CONTENT_SCENARIOS: readonly Scenario[] = [
  {
    name: 'content that is read',
    run(req, res, trail) {
      req.setEncoding('utf8').on('data', (text) => trail.push(`data ${text}`));
      req.on('end', () => {
        trail.push(`complete ${req.complete}`);
        setImmediate(() => res.end('x'));
        res.on('close', () => trail.push('last'));
      });
    },
    client: sendInTwoPieces,
    last: 'last',
  },
  {
    name: 'content whose data listener schedules work',
    run(req, res, trail) {
      follow(req, res, trail);
      req.on('data', () => {
        process.nextTick(() =>
          queueMicrotask(() => process.nextTick(() => trail.push(`later ${req.complete}`))),
        );
      });
      req.on('end', () => res.end());
    },
    async client(socket) {
      socket.write(post(5));
      await pause(10);
      socket.write('hello');
    },
    last: 'req close',
  },
  {
    name: 'content read from a readable listener',
    run(req, res, trail) {
      req.on('readable', () => {
        for (let piece = req.read(); piece !== null; piece = req.read()) trail.push(`read ${piece}`);
      });
      req.on('end', () => res.end());
      res.on('close', () => trail.push('last'));
    },
    client: sendInTwoPieces,
    last: 'last',
  },
  {
    name: 'content that is iterated',
    async run(req, res, trail) {
      let length = 0;
      for await (const piece of req) length += piece.length;
      res.end(`${length}`, () => trail.push('last'));
    },
    client: (socket) => socket.write(`${post(5)}hello`),
    last: 'last',
  },
  {
    name: 'content that is not read',
    run(req, res, trail) {
      follow(req, res, trail);
      res.end('x');
    },
    client: (socket) => socket.write(`${post(5)}hello`),
    last: 'req close',
  },
  {
    name: 'content with a trailer section',
    run(req, res, trail) {
      req.resume().on('end', () => {
        trail.push(JSON.stringify([req.trailers, req.rawTrailers, req.trailersDistinct]));
        res.end(() => trail.push('last'));
      });
    },
    client: (socket) =>
      socket.write(
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: v\r\n\r\n',
      ),
    last: 'last',
  },
  ...['at once', 'later'].map(
    (when): Scenario => ({
      name: `content that never arrives, after a response ${when}`,
      async run(req, res, trail) {
        follow(req, res, trail);
        if (when === 'later') await pause(5);
        res.end('x');
        await pause(20);
        look(req, trail);
        trail.push('last');
      },
      client: (socket) => socket.write(`${post(5)}he`),
      last: 'last',
    }),
  ),
  {
    name: 'content whose client leaves after the response',
    async run(req, res, trail) {
      followMessages(req, res, trail);
      req.socket.on('close', () => trail.push('socket close'));
      res.end('x');
    },
    async client(socket) {
      socket.write(`${post(5)}he`);
      await pause(20);
      socket.destroy();
    },
    last: 'socket close',
  },
  {
    name: 'content that arrives after the response',
    run(req, res, trail) {
      follow(req, res, trail);
      res.end('x', () => setImmediate(() => look(req, trail)));
    },
    async client(socket) {
      socket.write(`${post(5)}he`);
      await new Promise((resolve) => socket.once('data', resolve));
      await pause(10);
      socket.write('llo');
    },
    last: 'req close',
  },
  {
    name: 'content that arrives after the response, with the next request',
    run(req, res, trail) {
      const socket = req.socket as typeof req.socket & { first?: string };
      if (req.method === 'GET') {
        trail.push(`GET ${socket.first}`);
        res.end('y');
        setTimeout(() => trail.push('last'), 10);
        return;
      }
      socket.first = 'POST';
      follow(req, res, trail);
      res.end('x');
    },
    async client(socket) {
      socket.write(`${post(5)}he`);
      await new Promise((resolve) => socket.once('data', resolve));
      await pause(10);
      socket.write('lloGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    },
    last: 'last',
  },
  {
    name: 'chunked content with trailers that arrives after the response',
    run(req, res, trail) {
      follow(req, res, trail);
      req.on('end', () => trail.push(JSON.stringify(req.trailers)));
      res.end('x');
    },
    async client(socket) {
      socket.write(CHUNKED);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.write('1\r\na\r\n0\r\nX-T: v\r\n\r\n');
    },
    last: 'req close',
  },
  {
    name: 'content in the packet of the head, before a response that closes the connection',
    run(req, res, trail) {
      follow(req, res, trail);
      res.setHeader('Connection', 'close');
      res.end('x');
    },
    client: (socket) => socket.write(`${post(5)}hello`),
    last: 'req close',
  },
  ...[
    ['content in the packet of the head', 'hello'],
    ['content that never arrives', 'he'],
  ].map(
    ([what, content]): Scenario => ({
      name: `${what}, with listeners only after the response`,
      async run(req, res, trail) {
        res.end('x');
        look(req, trail);
        await pause(5);
        look(req, trail);
        req.on('end', () => trail.push('end'));
        req.on('close', () => trail.push('close'));
        await pause(5);
        trail.push('last');
      },
      client: (socket) => socket.write(`${post(5)}${content}`),
      last: 'last',
    }),
  ),
  ...[
    'Content-Length: 5\r\n\r\nhello',
    'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: v\r\n\r\n',
  ].map(
    (rest): Scenario => ({
      name: `content in the packet of the head, read later, ${rest.split(':', 1)}`,
      async run(req, res, trail) {
        look(req, trail);
        await pause(5);
        trail.push(`${req.complete} ${JSON.stringify(req.trailers)}`);
        req.on('data', (piece) => trail.push(`data ${piece}`));
        req.on('end', () => res.end('x', () => trail.push('last')));
      },
      client: (socket) => socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${rest}`),
      last: 'last',
    }),
  ),
  {
    name: 'content that arrives in pieces and is read later',
    async run(req, res, trail) {
      follow(req, res, trail);
      for (let spent = 0; spent < 400 && !req.complete; spent += 1) await pause(5);
      trail.push(`${req.complete}`);
      req.on('data', (piece) => trail.push(`data ${piece}`));
      req.on('end', () => res.end());
    },
    client: sendInTwoPieces,
    last: 'req close',
  },
  ...(['destroy', 'end'] as const).map(
    (method): Scenario => ({
      name: `complete unread content, when the client leaves by ${method}()`,
      run: follow,
      async client(socket) {
        socket.write(`${post(5)}hello`);
        await pause(10);
        socket[method]();
      },
      last: 'req close',
    }),
  ),
  ...[false, true].map(
    (isRead): Scenario => ({
      name: `content with a malformed chunk, ${isRead ? 'read' : 'not read'}`,
      run(req, res, trail) {
        follow(req, res, trail);
        if (isRead) req.on('data', (piece) => trail.push(`data ${piece}`));
      },
      async client(socket) {
        socket.write(`${CHUNKED}1\r\na\r\n`);
        await pause(10);
        socket.write('W');
      },
      last: 'req close',
      isRefused: true,
    }),
  ),
  {
    name: 'content with a malformed chunk in the packet of the head, not read',
    run: follow,
    client: (socket) => socket.write(`${CHUNKED}W`),
    last: 'req close',
    isRefused: true,
  },
];
