/** Scenarios that end early: clients that leave, programs that give up, time-outs. */
import { follow, GET, post, type Scenario } from './scenario.ts';
import { pause } from './side-by-side.ts';

export const ENDING_SCENARIOS: readonly Scenario[] = [
  {
    name: 'an upload that the client cuts off',
    run(req, res, trail) {
      follow(req, res, trail);
      req.resume();
    },
    async client(socket) {
      socket.write(`${post(50)}abc`);
      await pause(20);
      socket.destroy();
    },
    last: 'req close',
  },
  {
    name: 'a reset by the client',
    run(req, res, trail) {
      follow(req, res, trail);
      res.write('x');
    },
    async client(socket) {
      socket.write(GET);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.resetAndDestroy();
    },
    last: 'req close',
  },
  {
    name: 'res.destroy()',
    run(req, res, trail) {
      follow(req, res, trail);
      res.destroy();
      trail.push(`${res.destroyed}`);
    },
    last: 'req close',
  },
  {
    name: 'a response after req.destroy()',
    run(req, res, trail) {
      follow(req, res, trail);
      req.destroy();
      res.writeHead(200).end('too late');
      trail.push(`${res.headersSent} ${res.writableEnded}`);
    },
    last: 'req close',
  },
  {
    name: 'res.destroy(error), later',
    async run(req, res, trail) {
      follow(req, res, trail);
      await pause(3);
      res.destroy(Object.assign(new Error('boom'), { code: 'BOOM' }));
      trail.push(`${res.destroyed} ${res.errored}`);
    },
    last: 'req close',
  },
  {
    name: 'req.destroy(error)',
    async run(req, res, trail) {
      follow(req, res, trail);
      await pause(3);
      req.destroy(Object.assign(new Error('boom'), { code: 'BOOM' }));
    },
    last: 'res close',
  },
  {
    name: 'socket.destroy() during a response',
    async run(req, res, trail) {
      follow(req, res, trail);
      res.write('abc');
      await pause(10);
      req.socket.destroy();
    },
    last: 'req close',
  },
  {
    name: 'res.destroy() after end()',
    run(req, res, trail) {
      follow(req, res, trail);
      res.end('abc');
      res.destroy();
    },
    last: 'req close',
  },
  {
    name: 'socket.destroy() in the callback of end()',
    run(req, res, trail) {
      res.end('abc', () => req.socket.destroy());
      req.socket.on('close', () => trail.push('last'));
    },
    last: 'last',
  },
  {
    name: 'a time-out with a listener on the response',
    run(req, res, trail) {
      follow(req, res, trail);
      res.on('timeout', (socket) => trail.push(`timeout ${socket === req.socket}`));
      res.setTimeout(20, () => res.end('late'));
    },
    last: 'req close',
  },
  {
    name: 'a time-out with a listener on the request',
    run(req, res, trail) {
      req.setTimeout(20, () => res.end('late', () => trail.push('last')));
    },
    client: (socket) => socket.write(post(5)),
    last: 'last',
  },
  {
    name: 'a time-out with a listener on the socket only',
    run(req, res, trail) {
      follow(req, res, trail);
      req.socket.setTimeout(20, () => trail.push('socket timeout'));
    },
    last: 'req close',
  },
];
