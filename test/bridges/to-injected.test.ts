/**
 * Requests without a socket: light-my-request, as Fastify's inject() and by itself.
 *
 * No test here injects into an Express app: that changes Express's prototypes for the whole process, so that no app
 * works on a server afterwards.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import express from 'express';
import fastify, { type InjectOptions, type LightMyRequestResponse } from 'fastify';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { fromFastify, toFastify } from '../../bridges/fastify/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { answering, createLog, pieces, report } from './site.ts';

type InjectPayload = NonNullable<InjectOptions['payload']>;
type Dispatch = (req: IncomingMessage, res: ServerResponse) => void;

// The version that Fastify brings; a required module has no type of its own.
const inject = createRequire(import.meta.resolve('fastify'))('light-my-request') as (
  dispatch: Dispatch,
  options: InjectOptions | string,
) => Promise<LightMyRequestResponse>;

const QUIET = { environ: createLog().environ };

const WAYS: Readonly<Record<string, (application: Application) => Dispatch>> = {
  toNode: (application) => toNode(application, QUIET),
  toExpress: (application) => express().use(toExpress(application, QUIET)),
  'toExpress without a field of its own': (application) =>
    express().disable('x-powered-by').use(toExpress(application, QUIET)),
  'toExpress(fromFastify)': (application) => {
    const inner = fastify();
    inner.register(toFastify(application, QUIET));
    return express().use(toExpress(fromFastify(inner), QUIET));
  },
  toFastify: (application) => routing(application, {}),
  'toFastify, hijacked': (application) => routing(application, { hijack: true }),
  'toFastify(fromFastify)': (application) => {
    const inner = fastify();
    inner.register(toFastify(application, QUIET));
    return routing(fromFastify(inner), {});
  },
};

/** Programs that send their content back. */
const PROGRAMS: Readonly<Record<string, () => Application>> = {
  'an application': () => async (environ, startResponse) => {
    const content = await environ['wsgi.input'].read();
    startResponse('200 OK', []);
    return [content];
  },
  'a listener': () => fromNode((req, res) => void req.pipe(res)),
  Fastify: () => {
    const app = fastify();
    app.all('/*', async (request) => request.body ?? '');
    return fromFastify(app);
  },
};

function routing(application: Application, options: object): Dispatch {
  const instance = fastify();
  instance.register(toFastify(application, { ...QUIET, ...options }));
  return (req, res) => {
    instance.ready(() => instance.routing(req, res));
  };
}

describe.each(Object.keys(WAYS))('%s', (name) => {
  const serve = (application: Application): Dispatch => {
    const way = WAYS[name];
    if (way === undefined) throw new Error(`No ${name}`);
    return way(application);
  };

  it('answers with status, headers and content', async () => {
    const response = await inject(
      serve(
        answering(
          'whole',
          [
            ['X-Own', 'v'],
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
          ],
          '201 Made',
        ),
      ),
      '/',
    );
    expect([response.statusCode, response.statusMessage, response.payload]).toEqual([201, 'Made', 'whole']);
    expect(response.headers).toMatchObject({
      'x-own': 'v',
      'set-cookie': ['a=1', 'b=2'],
      'content-length': '5',
    });
  });

  it('answers in pieces', async () => {
    const response = await inject(serve(pieces(['one', 'two'], [['X-Own', 'v']])), '/');
    expect([response.payload, response.headers['x-own']]).toEqual(['onetwo', 'v']);
    const stream = await inject(serve(pieces(['one', 'two'])), { url: '/', payloadAsStream: true });
    let text = '';
    for await (const chunk of stream.stream()) text += chunk;
    expect(text).toBe('onetwo');
  });

  it('answers HEAD without content', async () => {
    const head = await inject(serve(answering('content')), { method: 'HEAD', url: '/' });
    expect([head.headers['content-length'], head.payload]).toEqual(['7', '']);
    const empty = await inject(serve(answering('', [], '204 No Content')), '/');
    expect([empty.statusCode, empty.payload]).toEqual([204, '']);
  });

  it('gives the content to the application', async () => {
    const response = await inject(serve(report), { method: 'POST', url: '/a/b?c', payload: { a: [1] } });
    expect(response.json()).toMatchObject({
      REQUEST_METHOD: 'POST',
      PATH_INFO: '/a/b',
      QUERY_STRING: 'c',
      CONTENT_TYPE: 'application/json',
      CONTENT_LENGTH: '9',
      content: '{"a":[1]}',
      HTTP_HOST: 'localhost:80',
    });
  });

  it.each(Object.keys(PROGRAMS))('gives the content of a stream to %s', async (program) => {
    const application = PROGRAMS[program]?.();
    if (application === undefined) throw new Error(`No ${program}`);
    const dispatch = serve(application);
    const text = 'some content, '.repeat(10_000);
    const post = async (payload: InjectPayload, headers = {}): Promise<string> => {
      const given = { 'Content-Type': 'text/plain', ...headers };
      return (await inject(dispatch, { method: 'POST', url: '/', payload, headers: given })).payload;
    };
    expect(await post(Readable.from([Buffer.from('one, '), Buffer.from('two')]))).toBe('one, two');
    expect((await post(Readable.from(Buffer.from(text)))) === text).toBe(true);
    expect(await post(Readable.from([]))).toBe('');
    expect(await post(Readable.from([Buffer.from('four')]), { 'Content-Length': '4' })).toBe('four');
    expect(await post(Readable.from([Buffer.from('four')]), { 'Transfer-Encoding': 'chunked' })).toBe('four');
    expect(await post('four')).toBe('four');
    expect((await inject(dispatch, { method: 'POST', url: '/' })).payload).toBe('');
  });

  it('answers when the application fails', async () => {
    const response = await inject(
      serve(() => Promise.reject(new Error('failed'))),
      '/',
    );
    expect(response.statusCode).toBe(500);
  });

  it('rejects if the application fails after the head', async () => {
    const application: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield 'begun';
      throw new Error('late');
    };
    await expect(inject(serve(application), '/')).rejects.toThrow();
  });

  it('calls close() and the callbacks once', async () => {
    const events: string[] = [];
    const application: Application = (environ, startResponse) => {
      // An extension key, which is not in the type of the environ.
      const onFinished = environ['gateway.on_finished'] as (callback: () => void) => void;
      onFinished(() => events.push('finished'));
      startResponse('200 OK', []);
      return {
        *[Symbol.iterator]() {
          yield 'a';
          yield 'b';
        },
        close: () => {
          events.push('close');
        },
      };
    };
    expect((await inject(serve(application), '/')).payload).toBe('ab');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(events).toEqual(['close', 'finished']);
  });
});
