/** Scenarios of time-outs: which objects node asks, in which order, and when it gives up. */
import { follow, GET, post, type Scenario } from './scenario.ts';
import { pause } from './side-by-side.ts';

export const TIMEOUT_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a server time-out without a listener',
    prepare: (server) => server.setTimeout(300),
    run(req, res, trail) {
      follow(req, res, trail);
      req.socket.on('close', (hadError) => trail.push(`socket close ${hadError}`));
    },
    last: 'req close',
  },
  {
    name: 'a server time-out with a listener on the server',
    prepare(server, trail) {
      server.setTimeout(300, (socket) => {
        trail.push('server');
        socket.destroy();
      });
    },
    run(req, res, trail) {
      follow(req, res, trail);
    },
    last: 'req close',
  },
  {
    name: 'a server time-out with listeners everywhere',
    prepare(server, trail) {
      server.setTimeout(300, () => trail.push('server'));
    },
    run(req, res, trail) {
      req.socket.once('timeout', () => {
        trail.push('socket');
        res.end('late', () => trail.push('last'));
      });
      res.once('timeout', (socket) => trail.push(`res ${socket === req.socket}`));
      req.once('timeout', (socket) => trail.push(`req ${socket === req.socket}`));
    },
    client: (socket) => socket.write(post(5)),
    last: 'last',
  },
  {
    name: 'a server time-out with a listener on the response only',
    prepare: (server) => server.setTimeout(300),
    run(_req, res, trail) {
      res.once('timeout', () => {
        trail.push('res');
        setImmediate(() => res.end('late', () => trail.push('last')));
      });
    },
    last: 'last',
  },
  {
    name: 'a request time-out on a complete request: not emitted',
    run(req, res, trail) {
      follow(req, res, trail);
      req.setTimeout(30, () => trail.push('req timeout'));
    },
    last: 'req close',
  },
  {
    name: 'a socket time-out with a listener on the server',
    prepare(server, trail) {
      server.on('timeout', () => trail.push('server'));
    },
    run(req, res, trail) {
      req.socket.setTimeout(30, () => {
        trail.push('socket');
        res.end('late', () => trail.push('last'));
      });
    },
    last: 'last',
  },
  {
    name: 'a time-out that sent octets put off',
    async run(_req, res, trail) {
      res.setTimeout(300, () => {
        trail.push('timeout');
        res.end(() => trail.push('last'));
      });
      for (let count = 0; count < 5; count += 1) {
        res.write('x');
        await pause(100);
      }
      trail.push('written');
    },
    last: 'last',
  },
  {
    name: 'a time-out that received octets put off',
    run(req, res, trail) {
      req.setTimeout(300, () => {
        trail.push('timeout');
        res.end('x', () => trail.push('last'));
      });
      let length = 0;
      req.on('data', (piece) => {
        length += piece.length;
        if (length === 5) trail.push('five');
      });
    },
    async client(socket) {
      socket.write(post(10));
      for (let count = 0; count < 5; count += 1) {
        socket.write('x');
        await pause(100);
      }
    },
    last: 'last',
  },
  {
    name: 'a time-out that ends with its response',
    run(req, res, trail) {
      if (req.url === '/p?q=1') {
        res.setTimeout(40, () => trail.push('timeout'));
        res.end('1');
      } else {
        setTimeout(() => res.end('2', () => trail.push('last')), 80);
      }
    },
    async client(socket) {
      socket.write(GET);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.write(GET.replace('/p', '/second'));
    },
    last: 'last',
  },
];
