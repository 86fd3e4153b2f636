/** The lines of docs/fetch.md in frameworks that npm has here, and Responses as frameworks and middleware treat them. */
import express from 'express';
import { H3 } from 'h3';
import { Hono } from 'hono';
import { compress } from 'hono/compress';
import { etag } from 'hono/etag';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../../bridges/express/index.ts';
import { toFetch } from '../../../bridges/fetch/index.ts';
import { decodeNative, readText } from '../../../src/index.ts';
import { dispatch } from '../../../src/middleware/index.ts';
import type { ApplicationFunction } from '../../../src/wsgi.ts';

/** Tells its place and its content. */
const shop: ApplicationFunction = async (environ, startResponse) => {
  const content = await readText(environ);
  startResponse('200 OK', [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ]);
  return (async function* () {
    yield `${environ.SCRIPT_NAME}|${decodeNative(environ.PATH_INFO)}|`;
    yield `${environ.QUERY_STRING}|${content}`;
  })();
};

const order = (url: string): Request => new Request(url, { method: 'POST', body: 'tea' });

describe('in Hono', () => {
  it('a route answers', async () => {
    const handle = toFetch(dispatch({ '/shop': shop }));
    const app = new Hono();
    app.all('/shop/*', (context) => handle(context.req.raw));
    const response = await app.fetch(order('http://hono.test/shop/caf%C3%A9?q'));
    expect(await response.text()).toBe('/shop|/café|q|tea');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect((await app.fetch(new Request('http://hono.test/other'))).status).toBe(404);
  });

  it('a mount answers, which cuts the path', async () => {
    const handle = toFetch(shop);
    const app = new Hono();
    app.mount('/shop', (request: Request) => handle(request, { environ: { SCRIPT_NAME: '/shop' } }));
    expect(await (await app.fetch(order('http://hono.test/shop/x?q'))).text()).toBe('/shop|/x|q|tea');
  });

  it('middleware of Hono reads and replaces the response', async () => {
    const handle = toFetch((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return ['text '.repeat(1000)];
    });
    const app = new Hono();
    app.use(compress(), etag());
    app.all('*', (context) => handle(context.req.raw));
    const headers = { 'Accept-Encoding': 'gzip' };
    const response = await app.fetch(new Request('http://hono.test/', { headers }));
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(response.headers.get('etag')).toMatch(/"/);
    const unpacked = response.body?.pipeThrough(new DecompressionStream('gzip'));
    expect(await new Response(unpacked).text()).toBe('text '.repeat(1000));
  });

  it('GET answers HEAD, and closes the body', async () => {
    let closes = 0;
    const handle = toFetch((_environ, startResponse) => {
      startResponse('200 OK', []);
      async function* endless(): AsyncGenerator<string> {
        for (;;) yield 'more';
      }
      return Object.assign(endless(), {
        close: () => {
          closes += 1;
        },
      });
    });
    const app = new Hono();
    app.get('/', (context) => handle(context.req.raw));
    expect((await app.fetch(new Request('http://hono.test/', { method: 'HEAD' }))).body).toBeNull();
    await expect.poll(() => closes).toBe(1);
  });

  it('a context in the place of a request is told', async () => {
    const app = new Hono();
    // As people write it in JavaScript.
    app.all('*', toFetch(shop) as never);
    app.onError((error) => new Response(error.message, { status: 500 }));
    const response = await app.fetch(new Request('http://hono.test/'));
    expect(await response.text()).toContain('pass context.req.raw');
  });
});

it('in h3 a route answers', async () => {
  const handle = toFetch(dispatch({ '/shop': shop }));
  const app = new H3().all('/shop/**', (event) => handle(event.req));
  const response = await app.fetch(order('http://h3.test/shop/x?q'));
  expect(await response.text()).toBe('/shop|/x|q|tea');
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
});

it('a whole Express app answers below a path', async () => {
  const app = express();
  app.use(express.json());
  app.post('/order', (request, response) => {
    response
      .cookie('a', '1')
      .cookie('b', '2')
      .json({ got: request.body, at: request.originalUrl, by: request.ip });
  });
  const handle = toFetch(dispatch({ '/shop': fromExpress(app) }));
  const headers = { 'Content-Type': 'application/json' };
  const request = new Request('http://fetch.test/shop/order', { method: 'POST', headers, body: '{"a":1}' });
  const response = await handle(request, { remoteAddress: '192.0.2.1' });
  expect(await response.json()).toEqual({ got: { a: 1 }, at: '/shop/order', by: '192.0.2.1' });
  expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2; Path=/']);
});

describe('a streamed response', () => {
  const handle = toFetch(shop);

  it('can be cloned, and read twice', async () => {
    const response = await handle(order('http://fetch.test/x'));
    const twin = response.clone();
    expect(await Promise.all([response.text(), twin.text()])).toEqual(['|/x||tea', '|/x||tea']);
  });

  it('that is never read, and then cancelled, is closed', async () => {
    const waited: Promise<unknown>[] = [];
    const response = await handle(order('http://fetch.test/x'), { waitUntil: (one) => waited.push(one) });
    await response.body?.cancel();
    await Promise.all(waited);
    expect(waited).toHaveLength(1);
  });

  it('of 64 MiB passes through both ways in bounded memory', async () => {
    const size = 64 << 20;
    const piece = new Uint8Array(1 << 16);
    let sent = 0;
    let most = 0;
    let taken = 0;
    const upload = new ReadableStream(
      {
        pull(controller) {
          if (sent >= size) controller.close();
          else controller.enqueue(piece.slice());
          sent += piece.length;
          most = Math.max(most, sent - taken);
        },
      },
      { highWaterMark: 0 },
    );
    const echo = toFetch((environ, startResponse) => {
      startResponse('200 OK', []);
      return environ['wsgi.input'].chunks();
    });
    const request = new Request('http://fetch.test/', {
      method: 'POST',
      body: upload,
      duplex: 'half',
    });
    const reader = (await echo(request)).body?.getReader();
    for (let step = await reader?.read(); step && !step.done; step = await reader?.read())
      taken += step.value.length;
    expect(taken).toBe(size);
    expect(most).toBeLessThan(5 * piece.length);
  });
});
