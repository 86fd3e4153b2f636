/** A Fastify instance on its own server and on the standalone server: the same octets. */
import { Readable } from 'node:stream';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromFastify, toFastify } from '../../../bridges/fastify/index.ts';
import { createServer } from '../../../src/server/index.ts';
import type { Environ } from '../../../src/wsgi.ts';
import {
  type Listening,
  listen,
  listenOurs,
  pause,
  request,
  type Step,
  transcript,
} from '../../messages/side-by-side.ts';

let instance: FastifyInstance;
let node: Listening;
let ours: Listening;
/** Notes of the hooks, request by request. */
let trail: string[] = [];

beforeAll(async () => {
  instance = createInstance();
  // Made before the instance is ready, as in a real program.
  ours = await listenOurs(fromFastify(instance));
  await instance.listen({ port: 0, host: '127.0.0.1' });
  const address = instance.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  node = { port, log: [], close: async () => instance.close() };
});

afterAll(async () => {
  await ours.close();
  await node.close();
});

function createInstance(): FastifyInstance {
  const instance = fastify({ keepAliveTimeout: 5000, requestIdHeader: 'x-id', trustProxy: false });
  instance.decorate('service', { name: 'service' });
  instance.decorateRequest('mark', '');
  for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
    instance.addHook(hook, async (req: { id: string }) => void trail.push(`${hook} ${req.id}`));
  }
  instance.addHook('onSend', async (_req, reply, payload) => {
    trail.push(`onSend ${typeof payload}`);
    reply.header('x-sent', 'yes');
    return payload;
  });
  instance.addHook('onResponse', async (_req, reply) => {
    trail.push(`onResponse ${reply.statusCode} ${reply.raw.writableFinished}`);
  });
  instance.addHook('onError', async (_req, _reply, error) => void trail.push(`onError ${error.message}`));
  instance.get('/', async () => ({ hello: 'world' }));
  instance.get('/sync', (_req, reply) => void reply.send({ sync: true }));
  instance.get('/text', (_req, reply) => void reply.type('text/plain').send('Grüße'));
  instance.get('/buffer', async () => Buffer.from([0, 255]));
  instance.get('/stream', (_req, reply) => reply.send(Readable.from(['one', 'two'])));
  instance.get('/failing-stream', (_req, reply) => {
    return reply.send(
      new Readable({
        read() {
          this.destroy(Object.assign(new Error('no stream'), { statusCode: 503 }));
        },
      }),
    );
  });
  instance.get('/empty', (_req, reply) => void reply.code(204).send());
  instance.get('/nothing', async () => null);
  instance.get('/redirect', (_req, reply) => reply.redirect('/text', 307));
  instance.get('/later', async () => {
    await pause(2);
    return 'later';
  });
  instance.get('/cookies', (_req, reply) => {
    return reply.header('set-cookie', ['a=1', 'b=2']).header('x-number', 5).send();
  });
  instance.get('/raw', (_req, reply) => {
    reply.hijack();
    reply.raw.writeHead(299, 'Raw', { 'X-Raw': '1' });
    reply.raw.end('raw');
  });
  instance.get('/trailers', (_req, reply) => {
    reply.trailer('x-sum', async () => '42');
    return reply.send('trailed');
  });
  instance.get<{ Params: { id: string } }>('/facts/:id', async (req) => {
    const { id, method, url, originalUrl, params, query, hostname, host, protocol, ip } = req;
    return {
      id,
      method,
      url,
      originalUrl,
      params,
      query,
      hostname,
      host,
      protocol,
      ip,
      headers: req.headers,
    };
  });
  instance.get('/throw', () => {
    throw new Error('thrown');
  });
  instance.get('/reject', async () => {
    throw Object.assign(new Error('rejected'), { statusCode: 409, code: 'E_TEST' });
  });
  instance.post(
    '/checked',
    {
      schema: {
        body: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } },
        response: { 200: { type: 'object', properties: { n: { type: 'integer' } } } },
      },
    },
    async (req) => ({ ...(req.body as object), secret: 1 }),
  );
  instance.post('/echo', async (req) => ({ body: req.body }));
  instance.addContentTypeParser(
    'application/x-upper',
    { parseAs: 'string' },
    async (_req: unknown, body: unknown) => String(body).toUpperCase(),
  );
  instance.addContentTypeParser('x/stream', async (_req: unknown, payload: AsyncIterable<Buffer>) => {
    let length = 0;
    for await (const piece of payload) length += piece.length;
    return { length };
  });
  instance.register(
    async (scope) => {
      scope.decorateReply('shout', function shout(this: { send(text: string): unknown }, text: string) {
        return this.send(text.toUpperCase());
      });
      scope.setErrorHandler(
        (error: Error, _req, reply) => void reply.code(418).send(`handled ${error.message}`),
      );
      scope.setNotFoundHandler((_req, reply) => void reply.code(404).send('not here'));
      scope.get('/shout', (_req, reply) =>
        (reply as unknown as { shout(text: string): unknown }).shout('loud'),
      );
      scope.get('/throw', async () => {
        throw new Error('inside');
      });
    },
    { prefix: '/scope' },
  );
  return instance;
}

const JSON_TYPE = 'Content-Type: application/json';
const PATHS =
  '/ /sync /text /buffer /stream /failing-stream /empty /nothing /redirect /later /cookies /raw /throw /reject /nowhere';
const CASES: readonly (readonly [string, ...Step[]])[] = [
  ...PATHS.split(' ').map((path) => [`GET ${path}`, request('GET', path)] as const),
  ...'/ /sync /text /stream /later /nowhere'
    .split(' ')
    .map((path) => [`HEAD ${path}`, request('HEAD', path)] as const),
  ...'/scope/shout /scope/throw /scope/none'
    .split(' ')
    .map((path) => [`GET ${path}`, request('GET', path)] as const),
  [
    'facts',
    request('GET', '/facts/a%20b?x=1&x=2', ['X-Id: 7', 'X-A: 1', 'x-a: 2', 'Cookie: a=1', 'Cookie: b=2']),
  ],
  ['a broken escape', request('GET', '/facts/%E0%A4%A')],
  ['checked content', request('POST', '/checked', [JSON_TYPE], '{"n":"5","m":1}')],
  ['content that fails its schema', request('POST', '/checked', [JSON_TYPE], '{"m":1}')],
  ['broken JSON', request('POST', '/echo', [JSON_TYPE], '{"a":')],
  ['JSON with a forbidden key', request('POST', '/echo', [JSON_TYPE], '{"__proto__":1}')],
  ['no content for JSON', request('POST', '/echo', [JSON_TYPE, 'Content-Length: 0'])],
  ['too much content', request('POST', '/echo', [JSON_TYPE, `Content-Length: ${2 ** 21}`])],
  ['text', request('POST', '/echo', ['Content-Type: text/plain'], 'text')],
  ['a parser of its own', request('POST', '/echo', ['Content-Type: application/x-upper'], 'upper')],
  ['a parser of streams', request('POST', '/echo', ['Content-Type: x/stream'], 'five!')],
  ['an unknown type', request('POST', '/echo', ['Content-Type: x/y'], 'z')],
  ['content bit by bit', request('POST', '/echo', [JSON_TYPE], '{"a":1}').slice(0, -3), 5, ':1', 5, '}'],
  ['a refused method', request('DELETE', '/text')],
  [
    'a persistent connection',
    `${request('GET', '/').replace('Connection: close\r\n', '')}${request('GET', '/sync')}`,
  ],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
];

describe('fromFastify', () => {
  it.each(CASES)('answers %s as node:http does', async (_name, ...steps) => {
    trail = [];
    const expected = await transcript(node, ...steps);
    const hooks = trail;
    trail = [];
    expect(await transcript(ours, ...steps)).toBe(expected);
    // node starts pipelined requests at once, the standalone server one after the other.
    expect(trail.map(withoutId).sort()).toEqual(hooks.map(withoutId).sort());
    expect(expected).toMatch(/^HTTP\/1\.1 \d{3} /);
  });

  it('waits for the instance on the first request only', async () => {
    let readyCalls = 0;
    const local = fastify();
    local.register(async (scope) => {
      await pause(5);
      scope.get('/', (_req, reply) => void reply.send('ready'));
    });
    const ready = local.ready.bind(local);
    const application = fromFastify({
      routing: (...messages) => local.routing(...messages),
      ready: () => {
        readyCalls += 1;
        return ready();
      },
    });
    const server = await listenOurs(application);
    try {
      const two = [transcript(server, request('GET', '/')), transcript(server, request('GET', '/'))];
      for (const text of await Promise.all(two)) expect(text).toMatch(/ready$/);
      const calls = readyCalls;
      expect(await transcript(server, request('GET', '/'))).toMatch(/ready$/);
      expect(readyCalls).toBe(calls);
    } finally {
      await server.close();
    }
  });

  it('fails every request of an instance that fails to get ready', async () => {
    const local = fastify();
    local.register(async () => {
      throw new Error('no plugin');
    });
    const server = await listenOurs(fromFastify(local));
    try {
      expect(await transcript(server, request('GET', '/'))).toMatch(/^HTTP\/1\.1 500 /);
      expect(await transcript(server, request('GET', '/'))).toMatch(/^HTTP\/1\.1 500 /);
      expect(server.log.join('')).toContain('no plugin');
    } finally {
      await server.close();
    }
  });

  it('leaves inject() unchanged', async () => {
    const before = await instance.inject('/');
    await transcript(ours, request('GET', '/'));
    const after = await instance.inject('/');
    expect([after.statusCode, after.body]).toEqual([before.statusCode, before.body]);
  });

  it('accepts an instance whose factory made its server', async () => {
    const local = fastify({
      serverFactory: (handler) => {
        const server = createServer(fromFastify(instance));
        server.removeAllListeners('request');
        server.on('request', handler);
        return server;
      },
    });
    local.get('/', async () => 'from a factory');
    const server = await listen(createServer(fromFastify(local)));
    try {
      expect(await transcript(server, request('GET', '/'))).toMatch(/from a factory$/);
    } finally {
      await server.close();
      await local.close();
    }
  });

  it.each([undefined, {}, (): void => {}])('refuses a value that is not an instance: %j', (value) => {
    expect(() => fromFastify(value as never)).toThrow(TypeError);
  });

  it('asks to await the promise of an instance', () => {
    const promised = Promise.resolve();
    expect(() => fromFastify(promised as never)).toThrow('await the promise');
  });
});

describe('toFastify(fromFastify(instance))', () => {
  it('answers under a prefix, and answers inject()', async () => {
    const inner = fastify();
    inner.get('/facts', async (req) => [req.url, req.raw.url]);
    inner.post('/echo', async (req) => req.body);
    const outer = fastify();
    await outer.register(toFastify(fromFastify(inner)), { prefix: '/x' });
    const facts = await outer.inject('/x/facts?q=1');
    expect(facts.json()).toEqual(['/facts?q=1', '/facts?q=1']);
    const echo = await outer.inject({ method: 'POST', url: '/x/echo', payload: { deep: [1] } });
    expect(echo.json()).toEqual({ deep: [1] });
    expect((await outer.inject('/x/none')).statusCode).toBe(404);
    await outer.close();
  });

  it('leaves the environ of the gateway unchanged', async () => {
    const inner = fastify();
    inner.get('/', async () => 'x');
    let keys: string[] = [];
    const application = fromFastify(inner);
    const outer = fastify();
    const spy = async (environ: Environ, start: Parameters<typeof application>[1]) => {
      const before = Object.keys(environ);
      const body = await application(environ, start);
      keys = Object.keys(environ).filter((key) => !before.includes(key));
      return body;
    };
    await outer.register(toFastify(spy));
    await outer.inject('/');
    expect(keys).toEqual([]);
    await outer.close();
  });
});

function withoutId(line: string): string {
  return line.replace(/req-\w+$/, 'req');
}
