/** The channels of requests, on every host, and of connections. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { createServer as createNodeServer } from 'node:http';
import type { Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import { isDisconnection } from '../../src/errors.ts';
import type {
  RequestErrorMessage,
  RequestFinishMessage,
  RequestHeadMessage,
  RequestStartMessage,
} from '../../src/server/index.ts';
import { createServer, type GatewayMessages, observe } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { atEnd, listen, type Site } from '../bridges/site.ts';

type Event =
  | ({ readonly name: 'start' } & RequestStartMessage)
  | ({ readonly name: 'head' } & RequestHeadMessage)
  | ({ readonly name: 'error' } & RequestErrorMessage)
  | ({ readonly name: 'finish' } & RequestFinishMessage);

/** Subscribes to all channels of requests until the end of the test. */
function record(): Event[] {
  const events: Event[] = [];
  atEnd(observe('gatebridge.request.start', (message) => events.push({ name: 'start', ...message })));
  atEnd(observe('gatebridge.request.head', (message) => events.push({ name: 'head', ...message })));
  atEnd(observe('gatebridge.request.error', (message) => events.push({ name: 'error', ...message })));
  atEnd(observe('gatebridge.request.finish', (message) => events.push({ name: 'finish', ...message })));
  return events;
}

async function finished(events: readonly Event[], count = 1): Promise<void> {
  await vi.waitFor(() => expect(events.filter(({ name }) => name === 'finish')).toHaveLength(count));
}

/** Describes an event in one line. */
function describeEvent(event: Event): string {
  switch (event.name) {
    case 'start':
      return `start ${event.environ.REQUEST_METHOD} ${event.environ.PATH_INFO}`;
    case 'head':
      return `head ${event.status} ${JSON.stringify(event.headers)}`;
    case 'error':
      return `error ${event.error instanceof Error ? event.error.message : event.error}`;
    case 'finish':
      return `finish ${event.status} ${event.octets} ${event.error instanceof Error}`;
  }
}

const errors = { write: () => {}, writelines: () => {}, flush: () => {} };
const environ = { 'wsgi.errors': errors };
const HEADERS: [string, string][] = [['X-A', 'a']];

const applications: Record<string, Application> = {
  array(_environ, startResponse) {
    startResponse('200 OK', HEADERS);
    return ['Hel', 'lo'];
  },
  async promise(environ, startResponse) {
    await environ['wsgi.input'].read();
    startResponse('404 Not Found', HEADERS);
    return ['Hello'];
  },
  *generator(_environ, startResponse) {
    startResponse('200 OK', HEADERS);
    yield 'Hel';
    yield 'lo';
  },
  async *stream(_environ, startResponse) {
    startResponse('200 OK', HEADERS);
    yield 'Hel';
    await delay(5);
    yield 'lo';
  },
  write(_environ, startResponse) {
    const write = startResponse('200 OK', HEADERS);
    void write('Hel');
    return ['lo'];
  },
  finished(environ, startResponse) {
    environ['gateway.on_finished']?.(() => {});
    startResponse('200 OK', HEADERS);
    return ['Hello'];
  },
  class: class {
    *[Symbol.iterator]() {
      yield 'Hello';
    }
    constructor(_environ: unknown, startResponse: (status: string, headers: [string, string][]) => unknown) {
      startResponse('200 OK', HEADERS);
    }
  },
  empty(_environ, startResponse) {
    startResponse('204 No Content', HEADERS);
    return [];
  },
  broken() {
    throw new Error('broken');
  },
  async *cut(_environ, startResponse) {
    startResponse('200 OK', HEADERS);
    yield 'Hel';
    await delay(5);
    throw new Error('cut');
  },
};

const HEAD_LINE = 'head 200 OK [["X-A","a"]]';
const WHOLE = [HEAD_LINE, 'finish 200 OK 5 false'];

const expected: Record<string, string[]> = {
  array: WHOLE,
  promise: ['head 404 Not Found [["X-A","a"]]', 'finish 404 Not Found 5 false'],
  generator: WHOLE,
  stream: WHOLE,
  write: WHOLE,
  finished: WHOLE,
  class: WHOLE,
  empty: ['head 204 No Content [["X-A","a"]]', 'finish 204 No Content 0 false'],
  broken: [
    'error broken',
    'head 500 Internal Server Error [["Content-Type","text/plain; charset=utf-8"]]',
    'finish 500 Internal Server Error 22 true',
  ],
  cut: [HEAD_LINE, 'error cut', 'finish 200 OK 3 true'],
};

type Host = (application: Application) => Promise<Server> | Server;

const hosts: Record<string, Host> = {
  standalone: (application) => createServer(application, { environ }),
  'standalone with a listener for requests': (application) =>
    createServer(application, { environ }).on('request', () => {}),
  toNode: (application) => createNodeServer(toNode(application, { environ })),
  toExpress: (application) =>
    createNodeServer(express().set('env', 'test').use(toExpress(application, { environ }))),
  toFastify: async (application) => {
    const instance = fastify();
    await instance.register(toFastify(application, { environ }));
    await instance.ready();
    return instance.server;
  },
  'toFastify with hijack': async (application) => {
    const instance = fastify();
    await instance.register(toFastify(application, { environ, hijack: true }));
    await instance.ready();
    return instance.server;
  },
};

describe.each(Object.entries(hosts))('requests on %s', (hostName, host) => {
  it.each(Object.keys(applications))('are told: %s', async (name) => {
    const events = record();
    const site = await listen(await host(applications[name] ?? expect.fail()));
    const response = await site.fetch({ target: '/path' }).catch(() => undefined);
    if (name !== 'cut') expect(response).toBeDefined();
    await finished(events);
    const lines = events.map(describeEvent);
    const frameworkAnswers = name === 'broken' && /Express|Fastify/.test(hostName);
    expect(lines).toEqual([
      'start GET /path',
      ...(frameworkAnswers ? ['error broken', 'finish undefined 0 true'] : (expected[name] ?? [])),
    ]);
    expect(new Set(events.map((event) => event.environ))).toHaveLength(1);
    for (const event of events) {
      if (event.name !== 'start') expect(event.duration).toBeGreaterThanOrEqual(0);
    }
  });

  it('are told with a client that leaves', async () => {
    const events = record();
    const site = await listen(
      await host(async function* (_environ, startResponse) {
        startResponse('200 OK', HEADERS);
        yield 'Hello';
        await new Promise(() => {});
      }),
    );
    const client = site.open();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.readHead();
    client.reset();
    await finished(events);
    expect(events.map(({ name }) => name)).toEqual(['start', 'head', 'error', 'finish']);
    const [, , error, finish] = events;
    expect(error?.name === 'error' && isDisconnection(error.error)).toBe(true);
    expect(finish).toMatchObject({ octets: 5, status: '200 OK' });
    expect(finish?.name === 'finish' && isDisconnection(finish.error)).toBe(true);
  });

  it('to HEAD have no content', async () => {
    const events = record();
    const site = await listen(await host(applications.array ?? expect.fail()));
    await site.fetch({ method: 'HEAD' });
    await finished(events);
    // Frameworks may take the content of a response to HEAD.
    if (!/Express|Fastify/.test(hostName)) expect(events.at(-1)).toMatchObject({ octets: 0 });
  });

  it('are run in the stores that are bound to the start', async () => {
    const storage = new AsyncLocalStorage<GatewayMessages['gatebridge.request.start']>();
    const start = channel('gatebridge.request.start');
    start.bindStore(storage);
    atEnd(() => start.unbindStore(storage));
    const paths: unknown[] = [];
    const site = await listen(
      await host(async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        paths.push(storage.getStore()?.environ.PATH_INFO);
        await delay(2);
        paths.push(storage.getStore()?.environ.PATH_INFO);
        yield 'a';
      }),
    );
    await Promise.all([site.fetch('/one'), site.fetch('/two')]);
    expect(paths.sort()).toEqual(['/one', '/one', '/two', '/two']);
  });
});

describe('requests', () => {
  const start = (application: Application): Promise<Site> => listen(createServer(application, { environ }));

  it('of wrapped programs are told too', async () => {
    const events = record();
    const app = express();
    app.get('/sent', (_req, res) => void res.set('X-A', 'a').send('hello'));
    app.get('/piped', (_req, res) => {
      res.write('hel');
      setTimeout(() => res.end('lo'), 5);
    });
    const site = await start(fromExpress(app));
    await site.fetch('/sent');
    await site.fetch('/piped');
    await site.fetch('/missing');
    await finished(events, 3);
    const finishes = events.filter((event) => event.name === 'finish');
    expect(finishes.map(({ status, octets }) => [status, octets])).toEqual([
      ['200 OK', 5],
      ['200 OK', 5],
      ['404 Not Found', 146],
    ]);
  });

  it('that are pipelined are told apart', async () => {
    const events = record();
    const site = await start(async (environ, startResponse) => {
      await delay(2);
      startResponse('200 OK', []);
      return [environ.PATH_INFO];
    });
    const client = site.open();
    const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    client.send(request('/one') + request('/two') + request('/three'));
    for (let count = 0; count < 3; count += 1) await client.readResponse();
    await finished(events, 3);
    for (const path of ['/one', '/two', '/three']) {
      const own = events.filter((event) => event.environ.PATH_INFO === path);
      expect(own.map(({ name }) => name)).toEqual(['start', 'head', 'finish']);
    }
  });

  it('see what a subscriber adds to the environ', async () => {
    atEnd(
      observe('gatebridge.request.start', ({ environ }) => {
        Object.assign(environ, { HTTP_X_ADDED: 'added', 'tool.span': 1 });
      }),
    );
    const app = express();
    app.get('/', (req, res) => void res.send(req.get('X-Added')));
    const site = await start(fromExpress(app));
    expect((await site.fetch('/')).content.toString()).toBe('added');
  });

  it('that nobody subscribed to by their start are not told', async () => {
    let finish = (): void => {};
    const site = await start(async (_environ, startResponse) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      startResponse('200 OK', []);
      return [];
    });
    const client = site.open();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await delay(20);
    const events = record();
    finish();
    await client.readResponse();
    expect(events).toEqual([]);
  });

  it('are told to subscribers of one channel alone, until they stop', async () => {
    const site = await start(applications.array ?? expect.fail());
    for (const name of ['start', 'head', 'finish'] as const) {
      const messages: unknown[] = [];
      const stop = observe(`gatebridge.request.${name}`, (message) => messages.push(message));
      await site.fetch('/');
      stop();
      await site.fetch('/');
      expect(messages).toHaveLength(1);
    }
  });
});

describe('connections', () => {
  /** Those of one server: connections of other tests may close later. */
  function recordConnections(server: Server) {
    const opened: GatewayMessages['gatebridge.connection.open'][] = [];
    const closed: GatewayMessages['gatebridge.connection.close'][] = [];
    const keep =
      <Message extends { readonly server: Server }>(list: Message[]) =>
      (message: Message): void => {
        if (message.server === server) list.push(message);
      };
    atEnd(observe('gatebridge.connection.open', keep(opened)));
    atEnd(observe('gatebridge.connection.close', keep(closed)));
    return { opened, closed };
  }

  it('are told when they open and close', async () => {
    const sockets: unknown[] = [];
    const server = createServer((environ, startResponse) => {
      sockets.push(environ['gateway.socket']);
      startResponse('200 OK', []);
      return ['Hello'];
    });
    const { opened, closed } = recordConnections(server);
    const site = await listen(server);
    const client = site.open();
    const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    client.send(request);
    const { raw, content } = await client.readResponse();
    client.send(request);
    await client.readResponse();
    expect(opened).toHaveLength(1);
    expect(opened[0]?.socket === sockets[0]).toBe(true);
    expect(closed).toHaveLength(0);
    client.destroy();
    await vi.waitFor(() => expect(closed).toHaveLength(1));
    expect(closed[0]?.socket === sockets[0]).toBe(true);
    expect(closed[0]).toMatchObject({
      requests: 2,
      bytesReceived: 2 * request.length,
      bytesSent: 2 * (raw.length + content.length),
    });
    expect(closed[0]?.duration).toBeGreaterThan(0);
  });

  it('are told to close when a listener of upgrade closes them', async () => {
    const server = createServer(applications.array ?? expect.fail());
    const { closed } = recordConnections(server);
    let taken: Socket | undefined;
    server.on('upgrade', (_request, socket: Socket) => {
      taken = socket;
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n');
    });
    const client = (await listen(server)).open();
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\nmore');
    await vi.waitFor(() => expect(taken === undefined).toBe(false));
    await delay(10);
    expect(closed).toHaveLength(0);
    taken?.destroy();
    await vi.waitFor(() => expect(closed).toHaveLength(1));
    expect(closed[0]).toMatchObject({ requests: 1, bytesSent: 69 });
  });
});
