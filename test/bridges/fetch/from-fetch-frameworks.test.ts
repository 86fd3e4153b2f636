/** Real apps of Hono, h3 and itty-router, with their own middleware, with the runtime's Response and with a light one. */
import { getRequestIP, H3, onRequest, readBody, withBase } from 'h3';
import { Hono } from 'hono';
import { basicAuth } from 'hono/basic-auth';
import { bodyLimit } from 'hono/body-limit';
import { compress } from 'hono/compress';
import { getCookie, setCookie } from 'hono/cookie';
import { cors } from 'hono/cors';
import { etag } from 'hono/etag';
import { methodOverride } from 'hono/method-override';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { stream, streamSSE, streamText } from 'hono/streaming';
import { timeout } from 'hono/timeout';
import { validator } from 'hono/validator';
import { AutoRouter, error, cors as ittyCors, withParams } from 'itty-router';
import { afterEach, describe, expect, it } from 'vitest';
import { type FetchEnv, LightResponse } from '../../../bridges/fetch/index.ts';
import { HOSTS, site, until } from './fetch-site.ts';

const RealResponse = Response;

afterEach(() => {
  globalThis.Response = RealResponse;
});

describe.each([
  ['the Response of the runtime', RealResponse],
  ['LightResponse', LightResponse],
])('Hono with %s', (_name, Class) => {
  const serveHono = (app: Hono<{ Bindings: FetchEnv }>): ReturnType<typeof site> => {
    globalThis.Response = Class;
    return site(app);
  };

  it('sets headers, cookies and CORS around a handler', async () => {
    const app = new Hono<{ Bindings: FetchEnv }>();
    app.use(cors({ origin: 'http://a.test', credentials: true }), secureHeaders(), requestId());
    app.get('/', (context) => {
      setCookie(context, 'a', '1');
      setCookie(context, 'b', '2', { httpOnly: true });
      setCookie(context, 'c', getCookie(context, 'sent') ?? '');
      return context.text(context.env.environ.REQUEST_METHOD);
    });
    const { url, faults } = await serveHono(app);
    const response = await fetch(url, { headers: { Origin: 'http://a.test', Cookie: 'sent=3' } });
    expect(await response.text()).toBe('GET');
    expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2; Path=/; HttpOnly', 'c=3; Path=/']);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://a.test');
    expect(response.headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(response.headers.get('x-request-id')).toMatch(/^[\w-]+$/);
    const preflight = await fetch(url, {
      method: 'OPTIONS',
      headers: { Origin: 'http://a.test', 'Access-Control-Request-Method': 'PUT' },
    });
    expect([preflight.status, await preflight.text()]).toEqual([204, '']);
    expect(faults).toEqual([]);
  });

  it('guards, limits and validates', async () => {
    const app = new Hono<{ Bindings: FetchEnv }>();
    app.use('/in/*', basicAuth({ username: 'ada', password: 'secret' }));
    app.get('/in/x', (context) => context.text('inside'));
    app.post('/small', bodyLimit({ maxSize: 10 }), async (context) => context.text(await context.req.text()));
    app.post(
      '/valid',
      validator('json', (value, context) => value.a ?? context.text('no a', 422)),
      (context) => context.json(context.req.valid('json')),
    );
    const { url, faults } = await serveHono(app);
    expect((await fetch(`${url}/in/x`)).status).toBe(401);
    const Authorization = `Basic ${btoa('ada:secret')}`;
    expect(await (await fetch(`${url}/in/x`, { headers: { Authorization } })).text()).toBe('inside');
    const post = (
      path: string,
      body: NonNullable<RequestInit['body']>,
      init: object = {},
    ): Promise<Response> => fetch(url + path, { method: 'POST', body, ...init });
    expect(await (await post('/small', '0123456789')).text()).toBe('0123456789');
    expect((await post('/small', '0123456789a')).status).toBe(413);
    const chunked = (text: string): Promise<Response> =>
      post('/small', new Blob([text]).stream(), { duplex: 'half' });
    expect(await (await chunked('0123')).text()).toBe('0123');
    expect((await chunked('0123456789a')).status).toBe(413);
    const headers = { 'Content-Type': 'application/json' };
    expect(await (await post('/valid', '{"a":[1]}', { headers })).json()).toEqual([1]);
    expect((await post('/valid', '{"b":1}', { headers })).status).toBe(422);
    expect(faults).toEqual([]);
  });

  it('streams, sends events, compresses and answers conditional requests', async () => {
    const app = new Hono<{ Bindings: FetchEnv }>();
    app.get('/zip', compress(), (context) => context.text('text '.repeat(1000)));
    app.get('/etag', etag(), (context) => context.text('tagged'));
    app.get('/text', (context) =>
      streamText(context, async (out) => {
        for (const word of ['a', 'b', 'c']) {
          await out.write(word);
          await out.sleep(5);
        }
      }),
    );
    app.get('/events', (context) =>
      streamSSE(context, async (out) => {
        for (let id = 0; id < 3; id += 1) await out.writeSSE({ data: `event ${id}`, id: String(id) });
      }),
    );
    app.get('/slow', timeout(20), async (context) => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return context.text('late');
    });
    const { url, faults } = await serveHono(app);
    const zipped = await fetch(`${url}/zip`);
    expect([zipped.headers.get('content-encoding'), (await zipped.text()).length]).toEqual(['gzip', 5000]);
    const tag = (await fetch(`${url}/etag`)).headers.get('etag') ?? '';
    const cached = await fetch(`${url}/etag`, { headers: { 'If-None-Match': tag } });
    expect([cached.status, await cached.text()]).toEqual([304, '']);
    expect(await (await fetch(`${url}/text`)).text()).toBe('abc');
    expect(await (await fetch(`${url}/events`)).text()).toContain('data: event 2\nid: 2\n\n');
    expect((await fetch(`${url}/slow`)).status).toBe(504);
    expect((await fetch(`${url}/zip`, { method: 'HEAD' })).status).toBe(200);
    expect(faults).toEqual([]);
  });

  it('tells a stream of a client that has left', async () => {
    let told = '';
    const app = new Hono<{ Bindings: FetchEnv }>();
    app.get('/', (context) =>
      stream(context, async (out) => {
        out.onAbort(() => {
          told += 'aborted';
        });
        while (!out.aborted) {
          await out.write('tick ');
          await out.sleep(5);
        }
      }),
    );
    const { url } = await serveHono(app);
    const controller = new AbortController();
    const response = await fetch(url, { signal: controller.signal });
    await response.body?.getReader().read();
    controller.abort();
    await until(() => told === 'aborted', 'the end');
  });

  it('mounts other handlers, overrides methods, and lets work go on', async () => {
    const done: string[] = [];
    const inner = AutoRouter();
    inner.all(
      '/x',
      async (request) => `${request.method} ${new URL(request.url).pathname} ${await request.text()}`,
    );
    const app = new Hono<{ Bindings: FetchEnv }>();
    app.mount('/itty', inner.fetch);
    app.use('/over', methodOverride({ app }));
    app.delete('/over', async (context) => context.text('deleted'));
    app.get('/later', (context) => {
      context.executionCtx.waitUntil(Promise.resolve().then(() => done.push('done')));
      return context.redirect('/there');
    });
    app.onError((failure, context) => context.text(`caught ${failure.message}`, 500));
    app.get('/throws', () => {
      throw new Error('own');
    });
    const { url, faults } = await serveHono(app);
    const post = { method: 'POST', body: 'abc' };
    expect(await (await fetch(`${url}/itty/x`, post)).text()).toBe('"POST /x abc"');
    const form = new URLSearchParams({ _method: 'DELETE' });
    expect(await (await fetch(`${url}/over`, { method: 'POST', body: form })).text()).toBe('deleted');
    const later = await fetch(`${url}/later`, { redirect: 'manual' });
    expect([later.status, later.headers.get('location'), done]).toEqual([302, '/there', ['done']]);
    expect(await (await fetch(`${url}/throws`)).text()).toBe('caught own');
    expect((await fetch(`${url}/none`)).status).toBe(404);
    expect(faults).toEqual([]);
  });

  it('takes forms with files', async () => {
    const app = new Hono<{ Bindings: FetchEnv }>();
    app.post('/', async (context) => {
      const { note, file } = await context.req.parseBody();
      return context.json({ note, name: (file as File).name, size: (file as File).size });
    });
    const { url, faults } = await serveHono(app);
    const body = new FormData();
    body.set('note', 'für dich');
    body.set('file', new Blob([new Uint8Array(200_000)]), 'big.bin');
    const response = await fetch(url, { method: 'POST', body });
    expect(await response.json()).toEqual({ note: 'für dich', name: 'big.bin', size: 200_000 });
    expect(faults).toEqual([]);
  });
});

describe.each(HOSTS)('on $name', (host) => {
  it('h3 serves routes, errors, streams, nested apps, and work that goes on', async () => {
    const done: string[] = [];
    const app = new H3({ silent: true });
    app.use(onRequest((event) => void event.res.headers.set('x-h3', '1')));
    app.get('/hello/:name', (event) => ({ name: event.context.params?.name, ip: getRequestIP(event) }));
    app.post('/echo', async (event) => ({ sent: await readBody(event) }));
    app.get('/stream', () => new Blob(['piece '.repeat(3)]).stream());
    app.get('/none', () => null);
    app.get('/throws', () => {
      throw new Error('own');
    });
    app.get('/later', (event) => {
      event.waitUntil(Promise.resolve().then(() => done.push('done')));
      return 'later';
    });
    app.use(
      withBase(
        '/nested',
        new H3().get('/x', (event) => event.url.pathname),
      ),
    );
    app.use(
      '/nested/**',
      withBase(
        '/nested',
        new H3().get('/x', (event) => event.url.pathname),
      ),
    );
    const { url, faults } = await site(app, { host });
    const hello = await fetch(`${url}/hello/ada`);
    expect(hello.headers.get('x-h3')).toBe('1');
    expect(await hello.json()).toEqual({ name: 'ada', ip: '127.0.0.1' });
    const headers = { 'Content-Type': 'application/json' };
    const echoed = await fetch(`${url}/echo`, { method: 'POST', body: '{"a":1}', headers });
    expect(await echoed.json()).toEqual({ sent: { a: 1 } });
    expect(await (await fetch(`${url}/stream`)).text()).toBe('piece piece piece ');
    expect((await fetch(`${url}/none`)).status).toBe(200);
    expect((await fetch(`${url}/throws`)).status).toBe(500);
    expect([await (await fetch(`${url}/later`)).text(), done]).toEqual(['later', ['done']]);
    expect((await fetch(`${url}/nope`)).status).toBe(404);
    expect(faults).toEqual([]);
  });

  it('itty-router serves routes, parameters, CORS and errors', async () => {
    const { preflight, corsify } = ittyCors();
    const router = AutoRouter({ before: [preflight, withParams], finally: [corsify] });
    router.get('/todos/:id', ({ id, query }) => ({ id, query }));
    router.post('/todos', async (request) => ({ made: await request.json() }));
    router.get('/error', () => error(418, 'short and stout'));
    const { url, faults } = await site(router, { host });
    const todo = await fetch(`${url}/todos/7?full=yes`, { headers: { Origin: 'http://a.test' } });
    expect(await todo.json()).toEqual({ id: '7', query: { full: 'yes' } });
    expect(todo.headers.get('access-control-allow-origin')).toBe('*');
    const made = await fetch(`${url}/todos`, { method: 'POST', body: '{"a":1}' });
    expect(await made.json()).toEqual({ made: { a: 1 } });
    expect((await fetch(`${url}/error`)).status).toBe(418);
    expect((await fetch(`${url}/none`)).status).toBe(404);
    expect(faults).toEqual([]);
  });
});
