/** Scenarios of clients that close their half of the connection, which node:http treats as leaving. */
import type { ServerResponse } from 'node:http';
import { follow, GET, post, type Scenario } from './scenario.ts';
import { pause } from './side-by-side.ts';

/** Waits until a response has closed, finished or not. */
function closed(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    res.on('close', () => setTimeout(resolve, 5));
  });
}

const PARTIAL = `${post(50)}abc`;

export const HALF_CLOSE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'before a late response',
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
    name: 'with the request, before an immediate response',
    run(req, res, trail) {
      follow(req, res, trail);
      res.end('hi');
    },
    client: (socket) => socket.end(GET),
    last: 'req close',
  },
  {
    name: 'with the request, before a large response',
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
    name: 'during a response',
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
    name: 'during content that is read',
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
    name: 'during content that is not read',
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
    name: 'during content and during a response',
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
    name: 'after complete content that is not read yet',
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
    name: 'with the request, when only the head was sent',
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
