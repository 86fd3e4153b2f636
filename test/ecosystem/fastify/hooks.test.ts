/** All kinds of hooks in order, and the log: what an app sees of a request. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { request, type Step, transcript, until } from '../../messages/side-by-side.ts';
import { alike, closeAll, type Place, type PlaceName, serveEverywhere } from './three-servers.ts';

type Trails = Record<PlaceName, string[]>;

let places: readonly Place[];
const trails: Trails = { node: [], fromFastify: [], serverFactory: [] };
const logs: Trails = { node: [], fromFastify: [], serverFactory: [] };

beforeAll(async () => {
  places = await serveEverywhere((options, name) => {
    const app = fastify({
      ...options,
      // Masked: an interval of the server, not of the hook.
      connectionTimeout: 0,
      logger: { level: 'info', stream: { write: (line: string) => void logs[name].push(line) } },
    });
    addHooks(app, trails[name]);
    addRoutes(app, trails[name]);
    return app;
  });
});

beforeEach(() => {
  for (const list of [...Object.values(trails), ...Object.values(logs)]) list.length = 0;
});

afterAll(() => closeAll(places));

function addHooks(app: FastifyInstance, trail: string[]): void {
  const note = (hook: string, req: FastifyRequest, more: unknown = ''): void => {
    // Includes the socket: programs look at it in hooks.
    const { complete, aborted, readableEnded, destroyed, socket } = req.raw;
    const facts = [complete, aborted, readableEnded, destroyed, socket.destroyed].map(Number).join('');
    trail.push(`${hook} ${req.url} ${facts} ${more}`);
  };
  app.addHook('onRequest', async (req) => note('onRequest', req));
  app.addHook('preParsing', async (req, _reply, payload) => {
    note('preParsing', req);
    if (req.headers['x-transformed'] === undefined) return payload;
    const upper = new Transform({
      transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()),
    });
    return payload.pipe(Object.assign(upper, { receivedEncodedLength: 0 }));
  });
  app.addHook('preValidation', (req, _reply, done) => {
    note('preValidation', req, JSON.stringify(req.body ?? null));
    done();
  });
  app.addHook('preHandler', async (req, reply) => {
    note('preHandler', req);
    if (req.headers['x-stop'] !== undefined) await reply.code(403).send('stopped');
  });
  app.addHook('preSerialization', async (req, _reply, payload) => {
    note('preSerialization', req, JSON.stringify(payload));
    return { wrapped: payload };
  });
  app.addHook('onSend', async (req, reply, payload) => {
    note('onSend', req, `${typeof payload} ${reply.statusCode} ${reply.raw.headersSent}`);
    if (req.headers['x-replaced'] !== undefined) return 'replaced';
    return payload;
  });
  app.addHook('onResponse', async (req, reply) => {
    const { writableEnded, writableFinished, headersSent, statusCode } = reply.raw;
    note(
      'onResponse',
      req,
      [statusCode, headersSent, writableEnded, writableFinished, reply.elapsedTime > 0].join(' '),
    );
  });
  app.addHook('onError', async (req, _reply, error) => note('onError', req, error.message));
  app.addHook('onTimeout', async (req) => note('onTimeout', req));
  app.addHook(
    'onRequestAbort',
    async (req) => void trail.push(`onRequestAbort ${req.url} ${req.raw.aborted}`),
  );
}

function addRoutes(app: FastifyInstance, trail: string[]): void {
  app.get('/', async () => ({ a: 1 }));
  app.get('/text', (_req, reply) => void reply.send('text'));
  app.get('/error', async () => Promise.reject(Object.assign(new Error('failed'), { statusCode: 409 })));
  app.get('/async', async () => {
    await wait(3);
    return { a: 2 };
  });
  app.post('/echo', async (req) => ({ echoed: req.body }));
  app.post('/checked', { schema: { body: { type: 'object', required: ['a'] } } }, async () => 'fine');
  app.get('/hijacked', (_req, reply) => {
    reply.hijack();
    reply.raw.end('hijacked');
  });
  app.get('/waiting', async (req, reply) => {
    req.raw.on('aborted', () => trail.push('aborted'));
    req.raw.on('error', (error: NodeJS.ErrnoException) => trail.push(`error ${error.code} ${error.message}`));
    req.raw.on('close', () => trail.push('request close'));
    reply.raw.on('close', () => trail.push(`response close ${reply.raw.writableFinished}`));
    await new Promise((resolve) => req.raw.on('close', resolve));
    return 'nobody is left';
  });
  app.get('/signal', async (req) => {
    trail.push(`signal ${req.signal.aborted}`);
    return 'signal';
  });
  app.get('/timed', { handlerTimeout: 100 }, async (req) => {
    req.signal.addEventListener('abort', () => trail.push(`abort ${req.signal.reason?.code}`));
    // Never answers itself.
    await new Promise(() => {});
  });
  app.get('/idle', async (req) => {
    req.raw.socket.setTimeout(20);
    req.raw.socket.once('timeout', () => trail.push('timeout of the socket'));
    await once(req.raw, 'close').catch(() => {});
    return 'after the time-out';
  });
}

/** Waits until all trails are equally long and stop growing. */
async function settled(all: Trails): Promise<void> {
  const deadline = Date.now() + 2000;
  let seen = -1;
  for (;;) {
    const lengths = Object.values(all).map((list) => list.length);
    const [first = 0] = lengths;
    if ((seen === first && lengths.every((length) => length === first)) || Date.now() > deadline) return;
    seen = first;
    await wait(10);
  }
}

/** Expects every trail to equal that of node:http, and returns it. */
function sameTrails(all: Trails): readonly string[] {
  const { node, ...others } = all;
  for (const [name, trail] of Object.entries(others)) expect(trail, name).toEqual(node);
  return node;
}

const JSON_TYPE = 'Content-Type: application/json';
const CASES: readonly (readonly [string, ...Step[]])[] = [
  ['an answer', request('GET', '/')],
  ['a late answer', request('GET', '/async')],
  ['HEAD', request('HEAD', '/')],
  ['text', request('GET', '/text')],
  ['an error', request('GET', '/error')],
  ['no route', request('GET', '/nowhere')],
  ['content', request('POST', '/echo', [JSON_TYPE], '{"a":1}')],
  ['late content', request('POST', '/echo', [JSON_TYPE, 'Content-Length: 7']), 10, '{"a":', 5, '1}'],
  ['content that is transformed', request('POST', '/echo', [JSON_TYPE, 'X-Transformed: 1'], '{"a":"b"}')],
  ['content that fails its schema', request('POST', '/checked', [JSON_TYPE], '{}')],
  ['broken content', request('POST', '/echo', [JSON_TYPE], '{')],
  ['a hook that answers', request('GET', '/', ['X-Stop: 1'])],
  ['a hook that answers a request with content', request('POST', '/echo', [JSON_TYPE, 'X-Stop: 1'], '{}')],
  ['a payload that is replaced', request('GET', '/', ['X-Replaced: 1'])],
  ['a hijacked response', request('GET', '/hijacked')],
  ['a signal', request('GET', '/signal')],
  ['a handler that takes too long', request('GET', '/timed')],
  ['a socket that is idle', request('GET', '/idle')],
];

describe('hooks', () => {
  it.each(CASES)('see the same: %s', async (_name, ...steps) => {
    await alike(places, steps);
    await settled(trails);
    expect(sameTrails(trails).length).toBeGreaterThan(2);
  });

  it('see the same for two requests of one connection', async () => {
    const kept = request('GET', '/').replace('Connection: close\r\n', '');
    await alike(places, [kept, 'answer', request('POST', '/echo', [JSON_TYPE], '{"b":2}')]);
    await settled(trails);
    expect(sameTrails(trails).filter((line) => line.startsWith('onResponse'))).toHaveLength(2);
  });

  it('see a client that leaves by a reset', async () => {
    for (const { port, name } of places) {
      const socket = connect(port, '127.0.0.1');
      socket.write(request('GET', '/waiting'));
      await until(() => trails[name].some((line) => line.startsWith('preHandler')));
      socket.resetAndDestroy();
    }
    await until(() =>
      Object.values(trails).every((trail) => trail.some((line) => line.startsWith('response close'))),
    );
    await wait(20);
    expect(sameTrails(trails)).toContain('onRequestAbort /waiting true');
  });
});

describe('the log', () => {
  /** Removes the values that differ every time. */
  function lines(list: readonly string[]): unknown[] {
    return list.map((line) => {
      const {
        time: _time,
        pid: _pid,
        hostname: _hostname,
        responseTime,
        req,
        err,
        ...rest
      } = JSON.parse(line);
      const { remotePort, ...facts } = req ?? {};
      const error = err === undefined ? undefined : [err.type, err.message, err.code];
      return { ...rest, req: facts, error, isTimed: typeof responseTime, hasPort: typeof remotePort };
    });
  }

  it.each(CASES)('has the same lines: %s', async (_name, ...steps) => {
    await Promise.all(places.map((place) => transcript(place, ...steps)));
    await settled(logs);
    const masked = (list: readonly string[]): unknown[] =>
      lines(list).map((line) => JSON.parse(JSON.stringify(line).replace(/req-\w+/g, 'req')));
    for (const place of places) expect(masked(logs[place.name]), place.name).toEqual(masked(logs.node));
    expect(logs.node[0]).toContain('incoming request');
  });
});
