/** Scenes of clients that close their half: node:http takes that for a departure. */
import type { ServerResponse } from 'node:http';
import { follow, GET, post, type Scene } from './scene.ts';
import { pause } from './side-by-side.ts';

/** Waits until a response is over, for its program or for its client. */
function closed(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    res.on('close', () => setTimeout(resolve, 5));
  });
}

const PARTIAL = `${post(50)}abc`;

export const HALF_CLOSE_SCENES: readonly Scene[] = [
  {
    name: 'before a response that comes later',
    async run(req, res, trail) {
      follow(req, res, trail);
      req.socket.on('end', () => trail.push('socket end'));
      req.socket.on('close', (hadError) => trail.push(`socket close ${hadError}`));
      await closed(res);
      trail.push(
        `${res.writable} ${res.writableEnded} ${res.destroyed} ${req.destroyed} ${res.socket === null}`,
      );
      res.end('too late', () => trail.push('callback'));
      trail.push('last');
    },
    async client(socket) {
      socket.write(GET);
      await pause(10);
      socket.end();
    },
    last: 'last',
  },
  {
    name: 'together with the request',
    async run(req, res, trail) {
      follow(req, res, trail);
      await closed(res);
      res.end('too late');
      trail.push('last');
    },
    client: (socket) => socket.end(GET),
    last: 'last',
  },
  {
    name: 'with a response at once',
    run(req, res, trail) {
      follow(req, res, trail);
      res.end('hi');
    },
    client: (socket) => socket.end(GET),
    last: 'req close',
  },
  {
    name: 'with a large response at once',
    run(req, res, trail) {
      follow(req, res, trail);
      res.end(Buffer.alloc(3_000_000, 'x'));
    },
    async client(socket) {
      socket.end(GET);
      await new Promise((resolve) => socket.once('end', resolve));
    },
    last: 'req close',
  },
  {
    name: 'amid a response',
    async run(req, res, trail) {
      follow(req, res, trail);
      res.write('abc', () => trail.push('first'));
      await closed(res);
      trail.push(`${res.write('def', (error) => trail.push(`second ${error === undefined}`))}`);
      await pause(5);
      res.end('g');
      trail.push('last');
    },
    async client(socket) {
      socket.write(GET);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.end();
    },
    last: 'last',
  },
  {
    name: 'after a response',
    run(req, res, trail) {
      req.socket.on('end', () => trail.push('socket end'));
      req.socket.on('close', (hadError) => trail.push(`socket close ${hadError}`));
      res.end('hi');
    },
    async client(socket) {
      socket.write(GET);
      await new Promise((resolve) => socket.once('data', resolve));
      await pause(5);
      socket.end();
    },
    last: 'socket close',
  },
  {
    name: 'amid content that is being read',
    run(req, res, trail) {
      follow(req, res, trail);
      req.on('data', (piece) => trail.push(`data ${piece}`));
      req.socket.on('close', (hadError) => trail.push(`socket close ${hadError}`));
    },
    client: (socket) => socket.end(PARTIAL),
    last: 'socket close',
    isRefused: true,
  },
  {
    name: 'amid content that nobody reads',
    async run(req, res, trail) {
      follow(req, res, trail);
      await closed(res);
      trail.push('last');
    },
    client: (socket) => socket.end(PARTIAL),
    last: 'last',
    isRefused: true,
  },
  {
    name: 'amid content, amid a response',
    async run(req, res, trail) {
      follow(req, res, trail);
      req.resume();
      res.write('abc');
      await closed(res);
      res.end('def');
      trail.push('last');
    },
    async client(socket) {
      socket.write(PARTIAL);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.end();
    },
    last: 'last',
  },
  {
    name: 'after content that was sent whole and is not read yet',
    async run(req, res, trail) {
      for (const event of ['end', 'aborted', 'close']) req.on(event, () => trail.push(`req ${event}`));
      req.on('error', (error) => trail.push(`req ${error.message}`));
      await closed(res);
      req.on('data', (piece) => trail.push(`data ${piece}`));
      await pause(10);
      res.end('x');
      trail.push('last');
    },
    client: (socket) => socket.end(`${post(5)}hello`),
    last: 'last',
  },
  {
    name: 'after the head of a response',
    async run(req, res, trail) {
      follow(req, res, trail);
      res.flushHeaders();
      await closed(res);
      trail.push(`${res.writableFinished}`);
      trail.push('last');
    },
    client: (socket) => socket.end(GET),
    last: 'last',
  },
];
