/** Scenes of content: read, read late, and not read at all. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { follow, followMessages, post, type Scene, type Trail } from './scene.ts';
import { pause } from './side-by-side.ts';

const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Notes what a request knows of its content. */
function look({ complete, readableLength, readableEnded, destroyed }: IncomingMessage, trail: Trail): void {
  trail.push(JSON.stringify({ complete, readableLength, readableEnded, destroyed }));
}

/** Sends five octets of content, two of them with the head. */
async function sendInTwoPieces(socket: Socket): Promise<void> {
  socket.write(`${post(5)}he`);
  await pause(10);
  socket.write('llo');
}

export const CONTENT_SCENES: readonly Scene[] = [
  {
    name: 'that is read',
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
    name: 'that sets something off before it ends',
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
    name: 'that is read when it suits',
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
    name: 'that is iterated',
    async run(req, res, trail) {
      let length = 0;
      for await (const piece of req) length += piece.length;
      res.end(`${length}`, () => trail.push('last'));
    },
    client: (socket) => socket.write(`${post(5)}hello`),
    last: 'last',
  },
  {
    name: 'that nobody reads',
    run(req, res, trail) {
      follow(req, res, trail);
      res.end('x');
    },
    client: (socket) => socket.write(`${post(5)}hello`),
    last: 'req close',
  },
  {
    name: 'with a trailer section',
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
    (when): Scene => ({
      name: `that never comes, after a response ${when}`,
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
    name: 'whose client leaves after the response',
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
    name: 'that comes after the response',
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
    name: 'that comes after the response, with the next request',
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
    name: 'in chunks, with trailers, that comes after the response',
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
    name: 'that came with the head, before a response that ends the connection',
    run(req, res, trail) {
      follow(req, res, trail);
      res.setHeader('Connection', 'close');
      res.end('x');
    },
    client: (socket) => socket.write(`${post(5)}hello`),
    last: 'req close',
  },
  ...[
    ['that came with the head', 'hello'],
    ['that never comes', 'he'],
  ].map(
    ([what, content]): Scene => ({
      name: `${what}, when nobody looks before the response`,
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
    (rest): Scene => ({
      name: `that came with the head, before its program looks, ${rest.split(':', 1)}`,
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
    name: 'that comes bit by bit before its program looks',
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
    (method): Scene => ({
      name: `that came whole and is not read, when its client leaves by ${method}()`,
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
    (isRead): Scene => ({
      name: `with a chunk that is none, ${isRead ? 'read' : 'not read'}`,
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
    name: 'with a chunk that is none in the packet of the head, not read',
    run: follow,
    client: (socket) => socket.write(`${CHUNKED}W`),
    last: 'req close',
    isRefused: true,
  },
];
