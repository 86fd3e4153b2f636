import { Transform } from 'node:stream';
import { createGzip, gunzipSync, gzipSync } from 'node:zlib';
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { type ToFastifyOptions, toFastify } from '../../bridges/fastify/to-fastify.ts';
import { fieldValues } from '../../src/testing/wire-client.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';
import {
  answering,
  atEnd,
  createLog,
  extension,
  formatRequest,
  place,
  report,
  reported,
  type Site,
  siteOf,
  until,
} from './site.ts';

async function serve(app: FastifyInstance): Promise<Site> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  atEnd(() => app.close());
  return siteOf(app.server);
}

/** An instance with one application at /x. */
function mounting(application: Application, options?: ToFastifyOptions, settings?: FastifyServerOptions) {
  const app = fastify(settings);
  app.register(toFastify(application, options), { prefix: '/x' });
  return app;
}

/** Gives chunks one by one. */
function pieces(chunks: readonly string[], headers: HeaderList = []): Application {
  return async function* (_environ, startResponse) {
    startResponse('200 OK', headers);
    for (const chunk of chunks) yield Buffer.from(chunk);
  };
}

describe('a mount', () => {
  const PLACES: readonly (readonly [target: string, place: string])[] = [
    ['/x', '/x + '],
    ['/x/', '/x + /'],
    ['/x?q', '/x + '],
    ['/x/?q', '/x + /'],
    ['/x/y', '/x + /y'],
    ['/x/y/', '/x + /y/'],
    ['/x//y', '/x + //y'],
    ['/tenants/acme', '/tenants/acme + '],
    ['/tenants/a%2Fb/y', '/tenants/a/b + /y'],
    ['/caf%C3%A9', '/caf\xc3\xa9 + '],
    ['/caf%c3%a9/%C3%A9', '/caf\xc3\xa9 + /\xc3\xa9'],
    ['/outer/inner', '/outer/inner + '],
    ['/outer/inner/y', '/outer/inner + /y'],
    ['/slash/', '/slash + /'],
    ['/slash/y', '/slash + /y'],
    ['/', ' + /'],
    ['/y', ' + /y'],
    ['http://h:81/x', '/x + '],
    ['http://h:81/x/y?q', '/x + /y'],
  ];

  it.each(PLACES)('splits %s', async (target, expected) => {
    const app = fastify();
    for (const prefix of ['/x', '/tenants/:tenant', '/café', '/slash/']) {
      app.register(toFastify(report), { prefix });
    }
    app.register(async (scope) => scope.register(toFastify(report), { prefix: '/inner' }), {
      prefix: '/outer',
    });
    app.register(toFastify(report));
    expect(await place(await serve(app), target)).toBe(expected);
  });

  it('does not answer for its neighbours', async () => {
    const site = await serve(mounting(report));
    expect((await site.fetch('/xy')).statusCode).toBe(404);
    expect((await site.fetch('/')).statusCode).toBe(404);
  });

  it('splits what the router options let through', async () => {
    const lenient = { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false };
    const site = await serve(mounting(report, {}, { routerOptions: lenient }));
    expect(await place(site, '/x/')).toBe('/x + /');
    expect(await place(site, '/x/y/')).toBe('/x + /y/');
    expect(await place(site, '//x//y')).toBe('//x + //y');
    expect(await place(site, '/X/Y')).toBe('/X + /Y');
  });

  it('keeps the request target where the URL is rewritten', async () => {
    const rewriteUrl = (req: { url?: string | undefined }): string => req.url?.replace('/old', '/x') ?? '/';
    const site = await serve(mounting(report, {}, { rewriteUrl }));
    expect(reported(await site.fetch('/old/y?q'))).toMatchObject({
      SCRIPT_NAME: '/x',
      PATH_INFO: '/y',
      QUERY_STRING: 'q',
      REQUEST_URI: '/old/y?q',
    });
  });

  it('answers every method that the instance supports', async () => {
    const app = fastify();
    app.addHttpMethod('MKCOL', { hasBody: true });
    app.register(toFastify(report), { prefix: '/x' });
    const site = await serve(app);
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'MKCOL']) {
      expect(reported(await site.fetch({ method, target: '/x' }))).toMatchObject({ REQUEST_METHOD: method });
    }
    expect(reported(await site.fetch({ method: 'MKCOL', target: '/x', content: 'new' }))).toMatchObject({
      content: 'new',
    });
    expect((await site.fetch({ method: 'HEAD', target: '/x' })).content.length).toBe(0);
  });

  it('brings the native objects, with their decorators', async () => {
    const app = fastify();
    app.decorateRequest('user', '');
    app.addHook('onRequest', async (request) => {
      Object.assign(request, { user: 'ann' });
    });
    app.register(
      toFastify((environ, startResponse) => {
        // The native objects are unknown to the type of the environ.
        const request = environ['fastify.request'] as { user: string; raw: unknown };
        const reply = environ['fastify.reply'] as { raw: unknown };
        const isSame = request.raw === environ['node.req'] && reply.raw === environ['node.res'];
        startResponse('200 OK', []);
        return [`${request.user} ${isSame}`];
      }),
    );
    expect((await app.inject('/')).body).toBe('ann true');
  });
});

describe.each([
  ['by reply.send', {}],
  ['hijacked', { hijack: true }],
] as const)('an answer %s', (_name, options) => {
  it('has the headers of the host, those of the application, and all cookies', async () => {
    const app = mounting(
      answering(
        'x',
        [
          ['Set-Cookie', 'a=1'],
          ['X-Own', 'application'],
          ['Set-Cookie', 'b=2'],
          ['Vary', 'A'],
          ['Vary', 'B'],
        ],
        '299 Fine',
      ),
      options,
    );
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('x-host', 'h').header('x-own', 'host').header('set-cookie', 'h=1');
      reply.raw.setHeader('X-Raw', 'r');
    });
    const response = await (await serve(app)).fetch('/x');
    expect([response.statusCode, response.reason]).toEqual([299, 'Fine']);
    expect(fieldValues(response, 'Set-Cookie')).toEqual(['h=1', 'a=1', 'b=2']);
    expect(fieldValues(response, 'Vary')).toEqual(['A', 'B']);
    expect(fieldValues(response, 'X-Host')).toEqual(['h']);
    expect(fieldValues(response, 'X-Raw')).toEqual(['r']);
    expect(response.headers).toContainEqual(['X-Own', 'application']);
    expect(fieldValues(response, 'X-Own')).toEqual(['application']);
  });

  it('has a length where it is known, and chunks where it is not', async () => {
    const whole = await (await serve(mounting(answering('whole'), options))).fetch('/x');
    expect([whole.framing, whole.content.toString()]).toEqual(['length', 'whole']);
    expect(fieldValues(whole, 'Content-Type')).toEqual([]);
    const parts = await (await serve(mounting(pieces(['one', 'two']), options))).fetch('/x');
    expect([parts.framing, parts.chunks.map(String)]).toEqual(['chunked', ['one', 'two']]);
    const old = await (await serve(mounting(pieces(['one', 'two']), options))).fetch({
      target: '/x',
      protocol: 'HTTP/1.0',
    });
    expect([old.framing, old.content.toString()]).toEqual(['close', 'onetwo']);
  });

  it('has any status', async () => {
    for (const status of ['204 No Content', '304 Not Modified', '404 Gone Fishing', '799 Odd']) {
      const response = await (await serve(mounting(answering('', [], status), options))).fetch('/x');
      expect(`${response.statusCode} ${response.reason}`).toBe(status);
    }
  });

  it('reaches inject()', async () => {
    const whole = await mounting(report, options).inject({ method: 'POST', url: '/x/y', payload: { a: 1 } });
    expect(whole.json()).toMatchObject({ PATH_INFO: '/y', content: '{"a":1}', SERVER_PORT: '80' });
    const parts = await mounting(pieces(['one', 'two'], [['X-Own', 'v']]), options).inject('/x');
    expect([parts.body, parts.headers['x-own']]).toEqual(['onetwo', 'v']);
    const cookies = answering('', [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ]);
    expect((await mounting(cookies, options).inject('/x')).headers['set-cookie']).toEqual(['a=1', 'b=2']);
    const empty = await mounting(answering('', [], '204 No Content'), options).inject('/x');
    expect([empty.statusCode, empty.body]).toEqual([204, '']);
    const head = await mounting(answering('content'), options).inject({ method: 'HEAD', url: '/x' });
    expect([head.headers['content-length'], head.body]).toEqual(['7', '']);
  });

  it('that fails before it begins is the error handler\u2019s, the very value', async () => {
    const error = Object.assign(new Error('early'), { statusCode: 418 });
    for (const value of [error, 'text', null, undefined]) {
      for (const application of [
        (): never => {
          throw value;
        },
        () => Promise.reject(value),
      ]) {
        const app = mounting(application, options);
        const seen: unknown[] = [];
        app.setErrorHandler((thrown, _request, reply) => {
          seen.push(thrown);
          return reply.code(599).send('handled');
        });
        const response = await app.inject('/x');
        expect([response.statusCode, response.body]).toEqual([599, 'handled']);
        expect(seen).toEqual([value]);
        if (value === error) expect((await mounting(application, options).inject('/x')).statusCode).toBe(418);
      }
    }
  });

  it('that fails before it begins leaves no headers behind', async () => {
    const app = mounting((_environ, startResponse) => {
      startResponse('200 OK', [
        ['Content-Type', 'image/png'],
        ['X-Own', 'v'],
      ]);
      throw new Error('failed');
    }, options);
    const response = await app.inject('/x');
    expect(response.statusCode).toBe(500);
    expect(response.headers['content-type']).toMatch('application/json');
    expect(response.headers).not.toHaveProperty('x-own');
  });

  it('that fails after it has begun is cut off', async () => {
    const log = createLog();
    const app = mounting(
      async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield Buffer.from('begun');
        throw new Error('late');
      },
      { ...options, environ: log.environ },
    );
    const client = (await serve(app)).open();
    client.send(formatRequest('/x'));
    await client.readHead();
    expect((await client.readChunk())?.toString()).toBe('begun');
    await expect(client.readChunk()).rejects.toThrow('Connection ended');
    expect(log.text).toContain('late');
    await expect(app.inject('/x')).rejects.toThrow();
  });

  it('ends when the client leaves', async () => {
    const events: string[] = [];
    const app = mounting(async function* (environ, startResponse) {
      extension<() => AbortSignal>(environ, 'gateway.signal')().addEventListener('abort', () => {
        events.push('abort');
      });
      startResponse('200 OK', []);
      try {
        for (;;) {
          yield Buffer.from('tick');
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        events.push('finally');
      }
    }, options);
    const client = (await serve(app)).open();
    client.send(formatRequest('/x'));
    await client.readHead();
    client.reset();
    await until(() => events.includes('finally'));
    expect(events).toEqual(['abort', 'finally']);
  });

  it('waits for a slow reader', async () => {
    const CHUNK = Buffer.alloc(64 * 1024);
    const TOTAL = 1024;
    let given = 0;
    const app = mounting(function* (_environ, startResponse) {
      startResponse('200 OK', []);
      for (; given < TOTAL; given += 1) yield CHUNK;
    }, options);
    const client = (await serve(app)).open();
    client.send(formatRequest('/x'));
    await client.readHead();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(given).toBeLessThan(TOTAL / 4);
    let length = 0;
    for (let chunk = await client.readChunk(); chunk !== null; chunk = await client.readChunk()) {
      length += chunk.length;
    }
    expect(length).toBe(TOTAL * CHUNK.length);
  });

  it('sends each chunk before the next is asked for, and the head before any', async () => {
    let release = (): void => {};
    const app = mounting(async function* (_environ, startResponse) {
      const write = startResponse('200 OK', []);
      await write(Buffer.alloc(0));
      for (const chunk of ['one', 'two']) {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        yield Buffer.from(chunk);
      }
    }, options);
    const client = (await serve(app)).open();
    client.send(formatRequest('/x'));
    expect((await client.readHead()).statusCode).toBe(200);
    for (const chunk of ['one', 'two']) {
      release();
      expect((await client.readChunk())?.toString()).toBe(chunk);
    }
    release();
    expect(await client.readChunk()).toBeNull();
  });

  it('does not wait for an upload that nobody reads, or only in part', async () => {
    const app = mounting(async (environ, startResponse) => {
      const content =
        environ.PATH_INFO === '/part' ? await environ['wsgi.input'].read(3) : Buffer.from('none');
      startResponse('200 OK', []);
      return [content];
    }, options);
    const client = (await serve(app)).open();
    const content = Buffer.alloc(4 * 1024 * 1024, 'u');
    for (const [target, expected] of [
      ['/x/part', 'uuu'],
      ['/x/none', 'none'],
      ['/x/part', 'uuu'],
    ] as const) {
      client.send(formatRequest({ method: 'POST', target, content }));
      expect((await client.readResponse()).content.toString()).toBe(expected);
    }
  });

  it('carries interim responses and trailer sections', async () => {
    const app = mounting(async function* (environ, startResponse) {
      extension<(headers: HeaderList) => void>(environ, 'gateway.early_hints')([['X-Hint', '1']]);
      startResponse('200 OK', []);
      yield Buffer.from('x');
      extension<(headers: HeaderList) => void>(environ, 'gateway.send_trailers')([['X-Sum', '7']]);
    }, options);
    const response = await (await serve(app)).fetch('/x');
    expect(response.interim.map(({ statusCode }) => statusCode)).toEqual([103]);
    expect(response.trailers).toEqual([['X-Sum', '7']]);
  });

  it('is in the log, and seen by onResponse, with its status', async () => {
    const seen: number[] = [];
    const lines: string[] = [];
    const stream = {
      write: (line: string): void => {
        lines.push(line);
      },
    };
    const app = mounting(pieces(['one', 'two']), options, { logger: { stream } });
    app.addHook('onResponse', async (_request, reply) => {
      seen.push(reply.statusCode);
    });
    await (await serve(app)).fetch('/x');
    await until(() => seen.length > 0);
    expect(seen).toEqual([200]);
    const completed = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request completed');
    expect(completed).toMatchObject([{ res: { statusCode: 200 } }]);
  });
});

describe('hooks', () => {
  const upper = () =>
    new Transform({
      transform(chunk, _encoding, done) {
        done(null, String(chunk).toUpperCase());
      },
    });

  it('see one Buffer for an array, and a stream for anything else', async () => {
    const kinds: string[] = [];
    const app = fastify();
    app.addHook('onSend', async (_request, _reply, payload) => {
      kinds.push(
        Buffer.isBuffer(payload) ? `Buffer ${payload}` : typeof (payload as Transform | undefined)?.pipe,
      );
    });
    app.register(toFastify(answering('one')), { prefix: '/array' });
    const several: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return ['one', 'two', 'three'];
    };
    app.register(toFastify(several), { prefix: '/several' });
    app.register(toFastify(pieces(['one'])), { prefix: '/pieces' });
    app.register(toFastify(answering('')), { prefix: '/empty' });
    for (const url of ['/array', '/several', '/pieces', '/empty']) await app.inject(url);
    expect(kinds).toEqual(['Buffer one', 'Buffer onetwothree', 'function', 'undefined']);
  });

  it('may change what is sent, and its length changes with it', async () => {
    for (const application of [
      answering('content', [['Content-Type', 'text/plain']]),
      pieces(['con', 'tent'], [['Content-Length', '7']]),
      pieces(['con', 'tent']),
    ]) {
      const app = mounting(application);
      app.addHook('onSend', async (_request, reply, payload) => {
        reply.header('content-encoding', 'gzip');
        if (Buffer.isBuffer(payload)) return gzipSync(payload);
        // What is no Buffer is a stream here.
        return (payload as Transform).pipe(createGzip());
      });
      const response = await (await serve(app)).fetch('/x');
      expect(gunzipSync(response.content).toString()).toBe('content');
      expect(fieldValues(response, 'Content-Encoding')).toEqual(['gzip']);
    }
  });

  it('see the headers, and may change and remove them', async () => {
    const app = mounting(
      answering('x', [
        ['X-Seen', 'a'],
        ['X-Changed', 'a'],
        ['X-Removed', 'a'],
        ['Set-Cookie', 'a=1'],
      ]),
    );
    let seen: unknown;
    app.addHook('onSend', async (_request, reply) => {
      seen = reply.getHeader('x-seen');
      reply.header('X-Changed', 'hook').removeHeader('x-removed').header('set-cookie', 'hook=1');
    });
    const response = await (await serve(app)).fetch('/x');
    expect(seen).toBe('a');
    expect(fieldValues(response, 'X-Changed')).toEqual(['hook']);
    expect(fieldValues(response, 'X-Removed')).toEqual([]);
    expect(fieldValues(response, 'Set-Cookie')).toEqual(['a=1', 'hook=1']);
  });

  it('that plugins add to each route run too, and may be the last', async () => {
    const app = fastify();
    app.addHook('onRoute', (route) => {
      // As @fastify/compress does.
      route.onSend = [
        route.onSend ?? [],
        async (_request: unknown, _reply: unknown, payload: unknown) =>
          payload instanceof Object && 'pipe' in payload ? (payload as Transform).pipe(upper()) : payload,
      ].flat();
    });
    app.register(toFastify(pieces(['one', 'two'], [['Content-Length', '6']])), { prefix: '/x' });
    const response = await (await serve(app)).fetch('/x');
    expect([response.framing, response.content.toString()]).toEqual(['chunked', 'ONETWO']);
  });

  it('that take the content away do not leave the application waiting', async () => {
    let isClosed = false;
    const app = mounting((_environ, startResponse) => {
      startResponse('200 OK', []);
      return {
        async *[Symbol.asyncIterator]() {
          for (;;) yield Buffer.from('never sent');
        },
        close() {
          isClosed = true;
        },
      };
    });
    app.addHook('onSend', async () => 'instead');
    expect((await (await serve(app)).fetch('/x')).content.toString()).toBe('instead');
    await until(() => isClosed);
  });

  it('that fail are errors, and nothing of the answer stays', async () => {
    const app = mounting(
      answering(
        'x',
        [
          ['Content-Encoding', 'gzip'],
          ['X-Own', 'application'],
        ],
        '404 Mine',
      ),
    );
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('x-own', 'host');
    });
    let isFirst = true;
    app.addHook('onSend', async () => {
      if (isFirst) {
        isFirst = false;
        throw new Error('hook');
      }
    });
    const response = await (await serve(app)).fetch('/x');
    expect([response.statusCode, response.reason]).toEqual([500, 'Internal Server Error']);
    expect(JSON.parse(response.content.toString())).toMatchObject({ message: 'hook' });
    expect(fieldValues(response, 'X-Own')).toEqual(['host']);
    expect(fieldValues(response, 'Content-Encoding')).toEqual([]);
  });

  it('run for errors too', async () => {
    const seen: string[] = [];
    const app = mounting(() => Promise.reject(new Error('early')));
    app.addHook('onError', async (_request, _reply, error) => {
      seen.push(error.message);
    });
    await app.inject('/x');
    expect(seen).toEqual(['early']);
  });

  it('do not see a hijacked answer, but those before it do what they do', async () => {
    const app = mounting(answering('lower'), { hijack: true });
    const seen: string[] = [];
    app.addHook('preHandler', async () => {
      seen.push('preHandler');
    });
    app.addHook('onSend', async () => {
      seen.push('onSend');
    });
    expect((await app.inject('/x')).body).toBe('lower');
    expect(seen).toEqual(['preHandler']);
  });

  it('that answer themselves keep the application from running', async () => {
    let hasRun = false;
    const app = mounting((_environ, startResponse) => {
      hasRun = true;
      startResponse('200 OK', []);
      return [];
    });
    app.addHook('preHandler', async (_request, reply) => reply.code(401).send('no'));
    expect((await app.inject('/x')).statusCode).toBe(401);
    expect(hasRun).toBe(false);
  });
});

describe('the host', () => {
  it('keeps its own parsers, and its own 404', async () => {
    const app = mounting(report);
    app.post('/json', async (request) => request.body);
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('not here'));
    expect((await app.inject({ method: 'POST', url: '/json', payload: { a: 1 } })).json()).toEqual({ a: 1 });
    expect((await app.inject('/none')).body).toBe('not here');
  });

  it('takes uploads above its limit for parsed content', async () => {
    const site = await serve(mounting(report, {}, { bodyLimit: 16 }));
    const content = 'u'.repeat(2 * 1024 * 1024);
    const environ = reported(await site.fetch({ method: 'POST', target: '/x', content }));
    expect(environ.content?.length).toBe(content.length);
  });

  it('may give up before the application answers', async () => {
    const log = createLog();
    let isOver = false;
    const app = mounting(
      async (environ, startResponse) => {
        await new Promise((resolve) => setTimeout(resolve, 80));
        extension<(callback: () => void) => void>(
          environ,
          'gateway.on_finished',
        )(() => {
          isOver = true;
        });
        startResponse('200 OK', []);
        return ['late'];
      },
      { environ: log.environ },
      { handlerTimeout: 20 },
    );
    const client = (await serve(app)).open();
    for (let turn = 0; turn < 2; turn += 1) {
      client.send(formatRequest('/x'));
      expect((await client.readResponse()).statusCode).toBe(503);
    }
    await until(() => isOver);
    expect(log.text).toContain('Host answered');
  });

  it('mounts an application more than once', async () => {
    const plugin = toFastify(report);
    const app = fastify();
    app.register(plugin, { prefix: '/a' });
    app.register(plugin, { prefix: '/b' });
    const site = await serve(app);
    expect(await place(site, '/a/x')).toBe('/a + /x');
    expect(await place(site, '/b/x')).toBe('/b + /x');
  });

  it('says what is wrong with an application when it is mounted', () => {
    // What a program without types may well pass.
    expect(() => toFastify({} as Application)).toThrow(TypeError);
  });
});
