import { Transform } from 'node:stream';
import { createGzip, gunzipSync, gzipSync } from 'node:zlib';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { toFastify } from '../../../bridges/fastify/to-fastify.ts';
import { fieldValues } from '../../../src/conformance/wire-client.ts';
import type { Application } from '../../../src/wsgi.ts';
import {
  answering,
  createLog,
  extension,
  formatRequest,
  pieces,
  place,
  report,
  reported,
  until,
} from '../site.ts';
import { mounting, serve } from './fastify-site.ts';

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

  it('can change the content, and its length changes with it', async () => {
    for (const application of [
      answering('content', [['Content-Type', 'text/plain']]),
      pieces(['con', 'tent'], [['Content-Length', '7']]),
      pieces(['con', 'tent']),
    ]) {
      const app = mounting(application);
      app.addHook('onSend', async (_request, reply, payload) => {
        reply.header('content-encoding', 'gzip');
        if (Buffer.isBuffer(payload)) return gzipSync(payload);
        // A stream, because it is not a Buffer.
        return (payload as Transform).pipe(createGzip());
      });
      const response = await (await serve(app)).fetch('/x');
      expect(gunzipSync(response.content).toString()).toBe('content');
      expect(fieldValues(response, 'Content-Encoding')).toEqual(['gzip']);
    }
  });

  it('see the headers, and can change and remove them', async () => {
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

  it('of plugins run for each route, and can run last', async () => {
    const app = fastify();
    app.addHook('onRoute', (route) => {
      // As in @fastify/compress.
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

  it('do not leave the application waiting when they replace the content', async () => {
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

  it('that fail are errors and leave nothing of the answer', async () => {
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

  it('run before a hijacked answer, but do not see it', async () => {
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

  it('keep the application from running when they answer themselves', async () => {
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
  it('keeps its own parsers and its own 404', async () => {
    const app = mounting(report);
    app.post('/json', async (request) => request.body);
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('not here'));
    expect((await app.inject({ method: 'POST', url: '/json', payload: { a: 1 } })).json()).toEqual({ a: 1 });
    expect((await app.inject('/none')).body).toBe('not here');
  });

  it('accepts uploads above its limit for parsed content', async () => {
    const site = await serve(mounting(report, {}, { bodyLimit: 16 }));
    const content = 'u'.repeat(2 * 1024 * 1024);
    const environ = reported(await site.fetch({ method: 'POST', target: '/x', content }));
    expect(environ.content?.length).toBe(content.length);
  });

  it('can give up before the application answers', async () => {
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

  it('mounts an application several times', async () => {
    const plugin = toFastify(report);
    const app = fastify();
    app.register(plugin, { prefix: '/a' });
    app.register(plugin, { prefix: '/b' });
    const site = await serve(app);
    expect(await place(site, '/a/x')).toBe('/a + /x');
    expect(await place(site, '/b/x')).toBe('/b + /x');
  });

  it('reports a bad application when it is mounted', () => {
    // Passed by a program without types.
    expect(() => toFastify({} as Application)).toThrow(TypeError);
  });
});
