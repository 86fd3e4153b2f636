/** Scenarios of programs that cut their connection or write beyond their response, some with requests waiting. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough, pipeline } from 'node:stream';
import { follow, GET, post, type Scenario } from './scenario.ts';
import { pause } from './side-by-side.ts';

const FIRST = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n';
const BOTH = `${FIRST}GET /2 HTTP/1.1\r\nHost: a\r\n\r\n`;
const RAW = 'HTTP/1.1 200 Raw\r\nContent-Length: 3\r\n\r\nraw';

/** Ways to end a response. */
const ENDINGS: Readonly<Record<string, (res: ServerResponse) => unknown>> = {
  'at once': (res) => res.end('ok'),
  'in two pieces': (res) => {
    res.write('o');
    res.end('k');
  },
  later: (res) => setTimeout(() => res.end('ok'), 20),
  'in two pieces, later': (res) => {
    res.write('o');
    setTimeout(() => res.end('k'), 20);
  },
  'in large pieces, later': (res) => {
    res.write('o');
    setTimeout(() => res.end(Buffer.alloc(100_000, 'k')), 20);
  },
};

const AFTER_FINISH: readonly Scenario[] = Object.entries(ENDINGS).flatMap(([how, end]) =>
  (['end', 'destroy', 'destroySoon'] as const).map(
    (method): Scenario => ({
      name: `socket.${method}() in 'finish' of a response ended ${how}`,
      run(req, res, trail) {
        req.socket.on('close', () => trail.push('last'));
        res.on('finish', () => req.socket[method]());
        end(res);
      },
      last: 'last',
    }),
  ),
);

/** Calls by which programs write right before they end the socket. */
const WRITES: Readonly<Record<string, (res: ServerResponse) => unknown>> = {
  'a response': (res) => res.end('one'),
  'a response in two pieces': (res) => {
    res.write('o');
    res.end('ne');
  },
  'a large response': (res) => res.end(Buffer.alloc(100_000, 'k')),
  'a response with a status': (res) => {
    if (!res.headersSent) res.writeHead(403, { 'Content-Type': 'text/plain' });
    res.end('x');
  },
  'a piece': (res) => res.write('a'),
  'a corked piece': (res) => {
    res.cork();
    res.write('a');
  },
  'a head': (res) => res.flushHeaders(),
  nothing: () => {},
};

/** Moments at which they write: in the call, or later, perhaps after a first piece. */
const MOMENTS: Readonly<Record<string, (res: ServerResponse, act: () => void) => void>> = {
  'in the call': (_res, act) => act(),
  later: (_res, act) => setTimeout(act, 20),
  'after a piece': (res, act) => {
    res.write('first');
    setTimeout(act, 20);
  },
};

const AFTER_WRITES: readonly Scenario[] = Object.entries(WRITES).flatMap(([what, write]) =>
  Object.entries(MOMENTS).flatMap(([when, at]) =>
    (['end', 'destroySoon', 'write'] as const).map(
      (method): Scenario => ({
        name: `socket.${method}() after ${what}, ${when}`,
        run(req, res, trail) {
          req.socket.on('close', () => trail.push('last'));
          at(res, () => {
            write(res);
            if (method === 'write') req.socket.write('RAW');
            if (method === 'destroySoon') req.socket.destroySoon();
            else req.socket.end();
          });
        },
        last: 'last',
      }),
    ),
  ),
);

/** Errors that programs emit on their socket; node's server hears of them. */
const EMITTED_ERRORS: readonly Scenario[] = Object.entries(MOMENTS).flatMap(([when, at]) =>
  [true, false].map(
    (isHeard): Scenario => ({
      name: `socket.emit('error') ${when}, ${isHeard ? 'with' : 'without'} a listener for clientError`,
      prepare(server, trail) {
        if (!isHeard) return;
        server.on('clientError', (error: Error, socket: Socket) => {
          trail.push(`clientError ${error.message}`);
          socket.destroy();
        });
      },
      run(req, res, trail) {
        req.socket.on('error', (error) => trail.push(`socket error ${error.message}`));
        req.socket.on('close', () => trail.push('last'));
        at(res, () => req.socket.emit('error', new Error('emitted')));
      },
      last: 'last',
    }),
  ),
);

export const CUT_SCENARIOS: readonly Scenario[] = [
  ...EMITTED_ERRORS,
  ...AFTER_FINISH,
  ...AFTER_WRITES,
  {
    name: 'res.destroy() after the end, with a second request waiting',
    run(req, res, trail) {
      // node calls the program for the second request too, without effect.
      if (req.url !== '/1') return;
      req.socket.on('close', () => trail.push('last'));
      res.end(`answer ${req.url}`);
      res.destroy();
    },
    client: (socket) => socket.write(BOTH),
    last: 'last',
  },
  {
    name: 'req.destroy() after the end, with a second request waiting',
    run(req, res, trail) {
      // node calls the program for the second request too, without effect.
      if (req.url !== '/1') return;
      req.socket.on('close', () => trail.push('last'));
      res.end(`answer ${req.url}`);
      req.destroy();
    },
    client: (socket) => socket.write(BOTH),
    last: 'last',
  },
  {
    name: 'req.destroy() before the end, with a second request waiting',
    run(req, _res, trail) {
      // node calls the program for the second request too, without effect.
      if (req.url !== '/1') return;
      req.socket.on('close', () => trail.push('last'));
      req.destroy();
    },
    client: (socket) => socket.write(BOTH),
    last: 'last',
  },
  {
    name: 'socket.destroy() by the second of two requests',
    run(req, res, trail) {
      trail.push(`${req.url}`);
      if (req.url === '/1') {
        res.end('answer /1');
      } else {
        req.socket.on('close', () => trail.push('last'));
        req.socket.destroy();
      }
    },
    client: (socket) => socket.write(BOTH),
    last: 'last',
  },
  {
    name: 'socket.destroy() after a late end',
    async run(req, res, trail) {
      req.socket.on('close', () => trail.push('last'));
      await pause(5);
      res.end('answer');
      req.socket.destroy();
    },
    client: (socket) => socket.write(FIRST),
    last: 'last',
  },
  {
    name: 'socket.destroy(error) during an upload',
    run(req, res, trail) {
      follow(req, res, trail);
      req.once('data', () => req.socket.destroy(Object.assign(new Error('no'), { code: 'NO' })));
    },
    client: (socket) => socket.write(`${post(10)}abc`),
    last: 'req close',
  },
  {
    name: 'socket.write() instead of a response',
    run(req, res, trail) {
      follow(req, res, trail);
      req.socket.write(RAW, () => trail.push('written'));
      req.socket.end();
    },
    last: 'req close',
  },
  {
    name: 'socket.write() by the second of two requests',
    run(req, res, trail) {
      if (req.url === '/1') {
        res.end('answer /1');
      } else {
        req.socket.write(RAW, () => trail.push('last'));
        req.socket.end();
      }
    },
    client: (socket) => socket.write(BOTH),
    last: 'last',
  },
  {
    name: 'socket.end(data)',
    run(req, res, trail) {
      follow(req, res, trail);
      req.socket.end(RAW);
      trail.push(`${req.socket.writable} ${req.socket.destroyed}`);
    },
    last: 'req close',
  },
  {
    name: 'socket.write() and destroySoon()',
    run(req, res, trail) {
      follow(req, res, trail);
      req.socket.write(RAW);
      req.socket.destroySoon();
      trail.push(`${req.socket.writable} ${req.socket.destroyed}`);
    },
    last: 'req close',
  },
  {
    name: 'pipeline() from a stream that fails at once',
    run(req, res, trail) {
      follow(req, res, trail);
      const source = new PassThrough();
      pipeline(source, res, (error) => trail.push(`pipeline ${error?.message}`));
      source.destroy(new Error('broken'));
    },
    last: 'req close',
  },
  {
    name: 'pipeline() from a stream that fails later',
    async run(req, res, trail) {
      follow(req, res, trail);
      const source = new PassThrough();
      pipeline(source, res, (error) => trail.push(`pipeline ${error?.message}`));
      source.write('abc');
      await pause(5);
      source.destroy(new Error('broken'));
    },
    last: 'req close',
  },
  {
    name: 'pipe() from a stream that fails: the response waits',
    async run(req, res, trail) {
      follow(req, res, trail);
      const source = new PassThrough();
      source.on('error', (error) => trail.push(error.message));
      source.pipe(res);
      source.write('abc');
      await pause(5);
      source.destroy(new Error('broken'));
      await pause(5);
      res.end('def');
    },
    last: 'req close',
  },
  {
    name: 'res.destroy(error), reported by clientError',
    prepare(server, trail) {
      server.on('clientError', (error: Error, socket: Socket) =>
        trail.push(`${error.message} ${socket.writable}`),
      );
    },
    async run(req, res, trail) {
      follow(req, res, trail);
      await pause(3);
      res.destroy(new Error('broken'));
    },
    client: (socket) => socket.write(GET),
    last: 'req close',
  },
];
