/** Tools that patch `emit` or subscribe to node's channels see each request. The same steps run on node:http. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  createServer as createNodeServer,
  Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createNodeTlsServer, Server as HttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { accessLog } from '../../../src/middleware/index.ts';
import { createServer, Server, type ServerOptions } from '../../../src/server/index.ts';
import type { Application } from '../../../src/wsgi.ts';

const folder = new URL('../../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};
const log: string[] = [];
const environ = { 'wsgi.errors': { write: (text: string) => log.push(text), writelines() {}, flush() {} } };
const context = new AsyncLocalStorage<string>();

/** Answers by the path, as `program` does on node. */
const application: Application = async (environ, startResponse) => {
  const path = environ.PATH_INFO;
  if (path === '/throws') throw new Error('Thrown');
  if (path === '/late') await delay(20);
  const headers: [string, string][] = [
    ['X-Path', path],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ];
  if (path === '/stream' || path === '/cut' || path === '/wait') {
    startResponse('202 Fine', headers);
    return (async function* () {
      yield 'a';
      await delay(20);
      if (path === '/cut') throw new Error('Cut');
      if (path === '/wait') await delay(10_000, undefined, { ref: false });
      yield 'b';
    })();
  }
  startResponse(path === '/missing' ? '404 Not Here' : '200 OK', headers);
  return ['Hello'];
};

async function program(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '';
  if (path === '/throws') {
    response.statusCode = 500;
    response.end('Internal Server Error\n');
    return;
  }
  if (path === '/late') await delay(20);
  const head = { 'X-Path': path, 'Set-Cookie': ['a=1', 'b=2'] };
  if (path === '/stream' || path === '/cut' || path === '/wait') {
    response.writeHead(202, 'Fine', head);
    response.write('a');
    await delay(20);
    if (path === '/cut') response.destroy();
    else if (path === '/stream') response.end('b');
    return;
  }
  response.writeHead(path === '/missing' ? 404 : 200, path === '/missing' ? 'Not Here' : 'OK', head);
  response.end('Hello');
}

const listener: RequestListener = (request, response) => void program(request, response);

type EitherServer = HttpServer | Server;
const makers: [string, (options?: ServerOptions) => EitherServer][] = [
  [
    'node',
    (options = {}) => (options.tls ? createNodeTlsServer(options.tls, listener) : createNodeServer(listener)),
  ],
  ['ours', (options = {}) => createServer(application, { environ, ...options })],
];

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
  log.length = 0;
});

async function start(server: EitherServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  // It listens on a port.
  return (server.address() as AddressInfo).port;
}

/** Asks for a path and gives the answer; the client leaves after this many milliseconds. */
async function ask(port: number, path: string, { secure = false, patience = 10_000 } = {}): Promise<string> {
  const socket = secure
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const pieces: Buffer[] = [];
  socket.on('data', (piece) => pieces.push(piece));
  // An application is not told of a half that the client closes, but of a reset.
  const timer = setTimeout(() => socket.resetAndDestroy(), patience);
  await new Promise<void>((resolve) => socket.on('close', () => resolve()));
  clearTimeout(timer);
  return Buffer.concat(pieces).toString();
}

/** Notes what a tool can see of a response, at each of its moments. */
function watch(notes: unknown[], request: IncomingMessage, response: ServerResponse): void {
  const begin = performance.now();
  const note = (moment: string): void => {
    const { statusCode, statusMessage, headersSent, writableEnded, writableFinished, finished } = response;
    const headers = [response.getHeader('x-path'), response.getHeader('set-cookie')];
    const isLate = performance.now() - begin > 15;
    notes.push([
      moment,
      { statusCode, statusMessage, headersSent, writableEnded, writableFinished, finished },
    ]);
    notes.push([headers, { isLate }]);
  };
  note('begin');
  response.on('finish', () => note('finish'));
  response.on('close', () => note('close'));
  request.on('aborted', () => notes.push('aborted'));
}

describe('a response that an observer sees', () => {
  it.each(['/', '/missing', '/late', '/stream'])('is the one that is sent: %s', async (path) => {
    const seen: unknown[][] = [];
    for (const [, make] of makers) {
      const notes: unknown[] = [];
      const server = make();
      const { emit } = server;
      server.emit = function patched(this: EitherServer, event: string, ...values: never[]) {
        // The values are those of node's event.
        const [request, response] = values as unknown as [IncomingMessage, ServerResponse];
        if (event === 'request') watch(notes, request, response);
        return Reflect.apply(emit, this, [event, ...values]);
      };
      const answer = await ask(await start(server), path);
      expect(answer).toMatch(/^HTTP\/1\.1 \d\d\d /);
      await vi.waitFor(() =>
        expect(notes.some((entry) => Array.isArray(entry) && entry[0] === 'close')).toBe(true),
      );
      seen.push(notes);
    }
    // node forgets headers that writeHead was given.
    expect(withoutHeaders(seen[1])).toEqual(withoutHeaders(seen[0]));
    expect(JSON.stringify(seen[1]?.at(-1))).toContain(`["${path}",["a=1","b=2"]]`);
  });

  it.each(['/cut', '/throws', '/wait'])('tells of a failure: %s', async (path) => {
    const seen: unknown[] = [];
    for (const [, make] of makers) {
      const notes: string[] = [];
      const server = make();
      server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
        response.on('finish', () => notes.push(`finish ${response.statusCode}`));
        response.on('close', () =>
          notes.push(`close ${response.statusCode} ${response.writableFinished} ${response.headersSent}`),
        );
        request.on('aborted', () => notes.push('aborted'));
      });
      await ask(await start(server), path, { patience: path === '/wait' ? 100 : 10_000 });
      await vi.waitFor(() => expect(notes.join()).toContain('close'));
      await delay(5);
      seen.push(notes.filter((note) => path === '/wait' || note !== 'aborted'));
    }
    expect(seen[1]).toEqual(seen[0]);
  });

  it('has headersSent once the head has gone, not before', async () => {
    let goOn = (): void => {};
    const pausing: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return (async function* () {
        yield 'a';
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        yield 'b';
      })();
    };
    const server = createServer(pausing, { environ });
    const states: unknown[] = [];
    let seen: ServerResponse | undefined;
    server.on('request', (_request, response) => {
      seen = response;
      states.push(response.headersSent);
    });
    const asked = ask(await start(server), '/');
    await vi.waitFor(() => expect(seen?.headersSent).toBe(true));
    states.push(seen?.headersSent, seen?.writableFinished);
    goOn();
    await asked;
    await vi.waitFor(() => expect(seen?.writableFinished).toBe(true));
    expect(states).toEqual([false, true, false]);
  });
});

function withoutHeaders(notes: unknown[] | undefined): unknown {
  return notes?.filter((entry) => !Array.isArray(entry) || typeof entry[0] === 'string');
}

/** Where tools patch `emit`. */
const places: [string, boolean, (server: EitherServer) => EventEmitter][] = [
  ['the server', false, (server) => server],
  ['our prototype', false, () => Server.prototype],
  ['http.Server', false, () => HttpServer.prototype],
  ['EventEmitter', false, () => EventEmitter.prototype],
  ['the server over TLS', true, (server) => server],
  ['our prototype over TLS', true, () => Server.prototype],
  ['https.Server', true, () => HttpsServer.prototype],
];

describe('a request goes through `emit`', () => {
  it.each(places.flatMap((place) => [[...place, 'before'] as const, [...place, 'after'] as const]))(
    'if it is patched on %s (%s, %s, %s)',
    async (_name, secure, target, when) => {
      const make = (): Server => createServer(application, secure ? { environ, tls } : { environ });
      const notes: unknown[] = [];
      let server = make();
      const port = await start(server);
      const patch = (): void => {
        const emitter = target(server);
        const own = Object.getOwnPropertyDescriptor(emitter, 'emit');
        const { emit } = emitter;
        emitter.emit = function patched(this: EventEmitter, event: string, ...values: unknown[]) {
          if (event !== 'request' || this !== server) return Reflect.apply(emit, this, [event, ...values]);
          notes.push(event);
          return context.run('inside', () => Reflect.apply(emit, this, [event, ...values]));
        };
        cleanups.push(() => {
          if (own === undefined) Reflect.deleteProperty(emitter, 'emit');
          else Object.defineProperty(emitter, 'emit', own);
        });
      };
      patch();
      if (when === 'before' && target(server) !== server) {
        server = make();
        expect(await ask(await start(server), '/', { secure })).toMatch(/Hello$/);
      } else {
        expect(await ask(port, '/', { secure })).toMatch(/Hello$/);
      }
      expect(notes).toEqual(['request']);
    },
  );

  it.each(['http.server.request.start', 'http.server.response.created', 'http.server.response.finish'])(
    'if somebody subscribes to %s',
    async (name) => {
      const published: unknown[] = [];
      const note = (message: unknown): void => void published.push(message);
      channel(name).subscribe(note);
      cleanups.push(() => channel(name).unsubscribe(note));
      const server = createServer(application, { environ });
      const port = await start(server);
      expect(await ask(port, '/missing')).toMatch(/Hello$/);
      // Node 20 does not know the second one.
      if (name === 'http.server.response.created' && published.length === 0) return;
      await vi.waitFor(() => expect(published).toHaveLength(1));
      if (name !== 'http.server.response.created') expect(published[0]).toMatchObject({ server });
      expect(published[0]).toMatchObject({
        response: { statusCode: name.endsWith('finish') ? 404 : expect.any(Number) },
      });
    },
  );

  it('also if a subscriber patches it when the request is published', async () => {
    const server = createServer(application, { environ });
    const notes: unknown[] = [];
    const onStart = (message: unknown): void => {
      const { server: published } = message as { server: Server };
      const { emit } = published;
      published.emit = function patched(this: Server, event: string, ...values: unknown[]) {
        if (event === 'request') notes.push(event);
        return Reflect.apply(emit, this, [event, ...values]);
      };
      channel('http.server.request.start').unsubscribe(onStart);
    };
    channel('http.server.request.start').subscribe(onStart);
    const port = await start(server);
    await ask(port, '/');
    await ask(port, '/');
    expect(notes).toEqual(['request', 'request']);
  });
});

describe('the asynchronous context that a patched `emit` opens', () => {
  const bodies: [string, Application][] = [
    [
      'an array',
      (_e, s) => {
        s('200 OK', []);
        return [String(context.getStore())];
      },
    ],
    [
      'an async application',
      async (_e, s) => {
        await delay(1);
        s('200 OK', []);
        return [String(context.getStore())];
      },
    ],
    [
      'a generator',
      function* (_e, s) {
        s('200 OK', []);
        yield String(context.getStore());
      },
    ],
    [
      'an async generator',
      async function* (_e, s) {
        s('200 OK', []);
        await delay(1);
        yield String(context.getStore());
      },
    ],
    [
      'an object with close',
      (_e, s) => {
        s('200 OK', []);
        return {
          *[Symbol.iterator]() {
            yield String(context.getStore());
          },
          close() {
            closedIn.push(context.getStore());
          },
        };
      },
    ],
  ];
  const closedIn: unknown[] = [];

  it.each(bodies)('is that of the application and its body: %s', async (_name, answering) => {
    const server = createServer(answering, { environ });
    const { emit } = server;
    let count = 0;
    server.emit = function patched(this: Server, event: string, ...values: unknown[]) {
      if (event !== 'request') return Reflect.apply(emit, this, [event, ...values]);
      count += 1;
      return context.run(`scope ${count}`, () => Reflect.apply(emit, this, [event, ...values]));
    };
    const port = await start(server);
    const answers = await Promise.all([ask(port, '/'), ask(port, '/'), ask(port, '/')]);
    const scopes = answers.map((answer) => /scope \d/.exec(answer)?.[0]);
    expect(scopes.sort()).toEqual(['scope 1', 'scope 2', 'scope 3']);
    for (const scope of closedIn.splice(0)) expect(scope).toMatch(/scope/);
  });
});

it.each<[string, Application]>([
  [
    'of middleware',
    accessLog({ log: () => {} })((_environ, startResponse) => {
      startResponse('200 OK', []);
      return (async function* () {
        yield 'Hello';
      })();
    }),
  ],
  [
    'that is frozen',
    (_environ, startResponse) => {
      startResponse('200 OK', []);
      return Object.freeze({
        *[Symbol.iterator]() {
          yield 'Hello';
        },
        close() {},
      });
    },
  ],
])('a traced request is answered with a body %s', async (_name, answering) => {
  const server = createServer(answering, { environ });
  server.emit = function patched(this: Server, ...values: [event: string, ...values: unknown[]]) {
    return Reflect.apply(Server.prototype.emit, this, values);
  };
  expect(await ask(await start(server), '/')).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Hello/s);
});
