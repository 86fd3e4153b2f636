/** Events and state of the messages of a wrapped program, on node:http and on the standalone server. */
import { describe, it } from 'vitest';
import { areShortcutsOff } from '../support/shortcuts.ts';
import { expectAlike } from './compare-scenario.ts';
import { CONTENT_SCENARIOS } from './content-scenarios.ts';
import { CUT_SCENARIOS } from './cut-scenarios.ts';
import { ENDING_SCENARIOS } from './ending-scenarios.ts';
import { HALF_CLOSE_SCENARIOS } from './half-close-scenarios.ts';
import { attempt, follow, GET, HEAD, type Scenario } from './scenario.ts';
import { pause } from './side-by-side.ts';
import { TIMEOUT_SCENARIOS } from './timeout-scenarios.ts';

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'the head of a request',
    run(req, res, trail) {
      const { url, method, httpVersion, rawHeaders, headers, headersDistinct, complete, upgrade } =
        req as never;
      trail.push(
        JSON.stringify({ url, method, httpVersion, rawHeaders, headers, headersDistinct, complete, upgrade }),
      );
      trail.push(
        `${res.shouldKeepAlive} ${res.headersSent} ${res.statusCode} ${res.statusMessage} ${res.sendDate}`,
      );
      trail.push(`${req.socket === res.socket} ${req.connection === req.socket} ${res.req === req}`);
      res.end();
      trail.push('last');
    },
    last: 'last',
  },
  {
    name: 'an immediate response',
    run(req, res, trail) {
      follow(req, res, trail);
      res.on('prefinish', () => trail.push('prefinish'));
      res.end('hi', () => trail.push('callback'));
      trail.push(`${res.headersSent} ${res.writableEnded} ${res.chunkedEncoding} ${res.finished}`);
    },
    last: 'req close',
  },
  {
    name: 'an immediate response without listeners, seen from the next tick',
    run(_req, res, trail) {
      res.end('hi');
      process.nextTick(() => trail.push(`${res.writableFinished} ${res.socket === null}`));
      trail.push(`${res.writableEnded} ${res.socket === null}`);
      void Promise.resolve().then(() => trail.push(`then ${res.socket === null}`));
    },
    last: 'then true',
  },
  {
    name: 'a response whose emit is wrapped',
    run(_req, res, trail) {
      const { emit } = res;
      res.emit = (event: string, ...values: unknown[]) => {
        trail.push(`emits ${event}`);
        return Reflect.apply(emit, res, [event, ...values]);
      };
      res.end('hi');
      trail.push('has called end');
    },
    last: 'emits close',
  },
  {
    name: 'several writes in a row',
    run(req, res, trail) {
      follow(req, res, trail);
      trail.push(`${res.write('a', (error) => trail.push(`a ${error}`))}`);
      trail.push(`${res.write('b', (error) => trail.push(`b ${error}`))} ${res.chunkedEncoding}`);
      res.end('c');
    },
    last: 'req close',
  },
  ...[{ 'Content-Length': '1' }, {}].map(
    (headers): Scenario => ({
      name: `an empty piece before the end, ${JSON.stringify(headers)}`,
      run(req, res, trail) {
        follow(req, res, trail);
        res.writeHead(200, headers);
        res.write('a', () => trail.push('first'));
        res.write('', 'latin1', () => trail.push('second'));
        res.end(() => trail.push('ended'));
      },
      last: 'req close',
    }),
  ),
  {
    name: 'a late response',
    async run(req, res, trail) {
      follow(req, res, trail);
      await pause(3);
      trail.push(`complete ${req.complete}`);
      res.writeHead(201, { 'X-B': '1' }).end('hi');
    },
    last: 'req close',
  },
  {
    name: 'a response in pieces',
    async run(req, res, trail) {
      follow(req, res, trail);
      res.write('a', () => trail.push('callback'));
      await pause(3);
      trail.push(`${res.writableLength} ${res.headersSent}`);
      res.write('b');
      await pause(3);
      res.end();
    },
    last: 'req close',
  },
  {
    name: 'flushHeaders',
    async run(req, res, trail) {
      follow(req, res, trail);
      res.flushHeaders();
      trail.push(`${res.headersSent}`);
      await pause(3);
      res.end();
    },
    last: 'req close',
  },
  {
    name: 'pipelined requests',
    run(req, res, trail) {
      // A property that a program sets on the socket stays there.
      const socket = req.socket as typeof req.socket & { first?: string | undefined };
      socket.first ??= req.url;
      res.on('finish', () => trail.push(`finish ${req.url}`));
      res.on('close', () => trail.push(`close ${req.url}`));
      if (req.url === '/2') setTimeout(() => res.end(`${socket.first}`), 3);
      else res.end(`${socket.first}`);
      if (req.url === '/3') res.on('close', () => trail.push('last'));
    },
    client: (socket) =>
      socket.write([1, 2, 3].map((number) => `GET /${number} HTTP/1.1\r\nHost: a\r\n\r\n`).join('')),
    last: 'last',
  },
  {
    name: 'write after end',
    run(req, res, trail) {
      follow(req, res, trail);
      res.end('x');
      trail.push(
        `${res.write('y', (error) => trail.push(`callback ${(error as NodeJS.ErrnoException)?.code}`))}`,
      );
    },
    last: 'req close',
  },
  {
    name: 'end after end',
    run(req, res, trail) {
      follow(req, res, trail);
      res.end('x');
      res.end((error?: NodeJS.ErrnoException) => trail.push(`second ${error?.code}`));
      res.end('z', (error?: NodeJS.ErrnoException) => trail.push(`third ${error?.code}`));
    },
    last: 'req close',
  },
  {
    name: 'errors of the programmer',
    run(_req, res, trail) {
      attempt(
        trail,
        () => res.setHeader('a b', 'c'),
        () => res.setHeader('a', 'b\n'),
        () => res.setHeader('a', undefined as never),
        () => res.writeHead(99),
        () => res.writeHead(200, ['a'] as never),
        () => res.writeHead(200, { 'a b': 'c' }),
        () => res.writeHead(200, [['a', 'b\r']] as never),
        () => res.write(5),
        () => res.write(null),
        () => res.writeHead(200, 'a\nb'),
        () => res.setHeader('Trailer', 'x').setHeader('Content-Length', '1').writeHead(200),
      );
      res.removeHeader('Trailer');
      res.removeHeader('Content-Length');
      res.statusMessage = 'Fine';
      res.end('x');
      attempt(
        trail,
        () => res.setHeader('a', 'b'),
        () => res.appendHeader('a', 'b'),
        () => res.removeHeader('a'),
        () => res.writeHead(200),
      );
      trail.push('last');
    },
    last: 'last',
  },
  {
    name: 'strictContentLength',
    run(_req, res, trail) {
      res.strictContentLength = true;
      res.writeHead(200, { 'Content-Length': 5 });
      attempt(trail, () => res.write('too long'));
      res.end('right', () => trail.push('last'));
    },
    last: 'last',
  },
  ...[HEAD, GET].map(
    (text): Scenario => ({
      name: `content of a 204 to ${text.slice(0, 4).trim()}`,
      run(req, res, trail) {
        follow(req, res, trail);
        res.statusCode = 204;
        trail.push(`${res.write('abc', () => trail.push('callback'))}`);
        res.end('x');
      },
      client: (socket) => socket.write(text),
      last: 'req close',
    }),
  ),
  {
    name: 'HEAD with flushHeaders',
    run(req, res, trail) {
      follow(req, res, trail);
      res.flushHeaders();
      res.end('x');
    },
    client: (socket) => socket.write(HEAD),
    last: 'req close',
  },
  {
    name: 'HEAD with a late response',
    async run(req, res, trail) {
      follow(req, res, trail);
      res.writeHead(200, { 'Content-Length': 5 });
      await pause(3);
      res.end('hello');
    },
    client: (socket) => socket.write(HEAD),
    last: 'req close',
  },
  {
    name: 'a response that waits for drain',
    run(_req, res, trail) {
      const size = res.writableHighWaterMark;
      trail.push(`${res.write(Buffer.alloc(size, 'x'))} ${res.writableNeedDrain}`);
      res.once('drain', () => {
        // Stays true without the shortcut (src/node-internals/need-drain.ts).
        const isNeeded = areShortcutsOff ? 'not compared' : res.writableNeedDrain;
        trail.push(`drain ${isNeeded} ${res.writableLength}`);
        trail.push(`${res.write(Buffer.alloc(size / 2))}`);
        res.end(() => trail.push('last'));
      });
    },
    last: 'last',
  },
  {
    name: 'interim responses',
    run(_req, res, trail) {
      res.writeEarlyHints({ link: ['</a.css>; rel=preload', '</b.js>; rel=preload'], 'x-hint': '1' }, () => {
        trail.push('hinted');
        res.writeProcessing();
        res.end('x', () => trail.push('last'));
      });
    },
    last: 'last',
  },
  {
    name: 'a trailer section of the response',
    run(_req, res, trail) {
      res.writeHead(200, { Trailer: 'X-Sum, x-list' });
      res.write('a');
      res.addTrailers({ 'X-Sum': '1', 'x-list': ['a: b', 'c'] as never });
      res.end(() => trail.push('last'));
    },
    last: 'last',
  },
  {
    name: 'cork and uncork',
    async run(_req, res, trail) {
      res.writeHead(200, { 'Content-Length': 3 });
      res.cork();
      res.write('a', () => trail.push('callback'));
      res.write('b');
      trail.push(`${res.writableCorked}`);
      await pause(5);
      trail.push('uncorked');
      res.uncork();
      await pause(5);
      res.end('c', () => trail.push('last'));
    },
    last: 'last',
  },
  {
    name: 'HTTP/1.0',
    run(req, res, trail) {
      follow(req, res, trail);
      res.end('x');
      trail.push(`${req.httpVersion} ${res.shouldKeepAlive} ${res.chunkedEncoding}`);
    },
    client: (socket) => socket.write('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'),
    last: 'req close',
  },
];

describe('the messages of a wrapped program', () => {
  it.each(TIMEOUT_SCENARIOS)('report a time-out as on node:http: $name', async (scenario) => {
    await expectAlike(scenario);
  });

  it.each(CUT_SCENARIOS)('cut the connection as on node:http: $name', async (scenario) => {
    await expectAlike(scenario);
  });

  it.each([...SCENARIOS, ...ENDING_SCENARIOS])('behave as on node:http: $name', async (scenario) => {
    await expectAlike(scenario);
  });

  it.each(CONTENT_SCENARIOS)('report content as on node:http: $name', async (scenario) => {
    await expectAlike(scenario);
  });

  it.each(HALF_CLOSE_SCENARIOS)(
    'report a client that closes its half as on node:http: $name',
    async (scenario) => {
      await expectAlike(scenario);
    },
  );
});
