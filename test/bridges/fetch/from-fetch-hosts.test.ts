/** Fetch handlers on each host: requests, answers, streams both ways, and clients that leave. */
import { connect } from 'node:net';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { exchange, HOSTS, site, until } from './fetch-site.ts';

const PIECE = new Uint8Array(65_536).fill(0x61);

describe.each(HOSTS)('on $name', (host) => {
  it('a handler gets method, URL, fields and content, and its answer is sent', async () => {
    const app = new Hono();
    app.post('/items/:id', async (context) => {
      const { req } = context;
      context.header('X-Id', req.param('id'));
      return context.json({ url: req.url, sent: await req.json(), own: req.header('x-own') }, 201);
    });
    const { url, faults } = await site(app, { host });
    const response = await fetch(`${url}/items/a%20b?q=1`, {
      method: 'POST',
      headers: { 'X-Own': 'é' },
      body: '{"a":[1]}',
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-id')).toBe('a b');
    const { origin } = new URL(url);
    expect(await response.json()).toEqual({ url: `${origin}/items/a%20b?q=1`, sent: { a: [1] }, own: 'é' });
    expect(faults).toEqual([]);
  });

  it('each Set-Cookie is a line, and fields of the connection are left out', async () => {
    const { url, faults } = await site(
      () => {
        const headers = new Headers({
          'Transfer-Encoding': 'chunked',
          'Keep-Alive': 'timeout=999',
          'X-A': 'b',
        });
        for (const name of ['a', 'b', 'c'])
          headers.append('Set-Cookie', `${name}=1; Expires=Thu, 01 Jan 2026`);
        return new Response('x', { headers });
      },
      { host },
    );
    const response = await fetch(url);
    expect(response.headers.getSetCookie()).toEqual([
      'a=1; Expires=Thu, 01 Jan 2026',
      'b=1; Expires=Thu, 01 Jan 2026',
      'c=1; Expires=Thu, 01 Jan 2026',
    ]);
    expect(response.headers.get('keep-alive')).not.toBe('timeout=999');
    expect(response.headers.get('content-length')).toBe('1');
    expect(faults).toEqual([]);
  });

  it.each([
    ['a text', () => new Response('text'), 200, '4'],
    ['octets', () => new Response(new Uint8Array(5)), 200, '5'],
    ['nothing', () => new Response(null, { status: 201 }), 201, '0'],
    ['a 204', () => new Response(null, { status: 204 }), 204, null],
    ['a 304', () => new Response(null, { status: 304, headers: { ETag: '"1"' } }), 304, null],
    ['a redirect', () => Response.redirect('http://site.test/x', 303), 303, '0'],
    ['JSON', () => Response.json({ a: 1 }), 200, '7'],
  ] as const)('%s is sent with its length', async (_what, handler, status, length) => {
    const { url, faults } = await site(handler, { host });
    const response = await fetch(url, { redirect: 'manual' });
    expect([response.status, response.headers.get('content-length')]).toEqual([status, length]);
    expect(faults).toEqual([]);
  });

  it('HEAD gets the fields, and the content is thrown away', async () => {
    let isCancelled = false;
    const { url, faults } = await site(
      () => {
        const body = new ReadableStream({
          cancel() {
            isCancelled = true;
          },
        });
        return new Response(body, { headers: { 'X-A': 'b' } });
      },
      { host },
    );
    const response = await fetch(url, { method: 'HEAD' });
    expect([response.headers.get('x-a'), await response.text()]).toEqual(['b', '']);
    expect(isCancelled).toBe(true);
    expect(faults).toEqual([]);
  });

  it('content is streamed both ways, a piece at a time', async () => {
    const { url, faults } = await site((request) => new Response(request.body), { host });
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === 64) controller.close();
        else controller.enqueue(PIECE);
        sent += 1;
      },
    });
    const response = await fetch(url, { method: 'POST', body, duplex: 'half' });
    let length = 0;
    for await (const chunk of response.body ?? []) length += chunk.length;
    expect(length).toBe(64 * PIECE.length);
    expect(faults).toEqual([]);
  });

  it('the head leaves before the content if that is late', async () => {
    let finish = (): void => {};
    const { url, faults } = await site(
      () => {
        const body = new ReadableStream({
          start(controller) {
            finish = () => {
              controller.enqueue(PIECE.subarray(0, 3));
              controller.close();
            };
          },
        });
        return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
      },
      { host },
    );
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    finish();
    expect(await response.text()).toBe('aaa');
    expect(faults).toEqual([]);
  });

  it('a client that leaves aborts the signal and cancels the stream', async () => {
    const told: string[] = [];
    const { url } = await site(
      (request) => {
        request.signal.addEventListener('abort', () => told.push('aborted'));
        const body = new ReadableStream({
          start: (controller) => controller.enqueue(PIECE.subarray(0, 3)),
          cancel() {
            told.push('cancelled');
          },
        });
        return new Response(body);
      },
      { host },
    );
    const controller = new AbortController();
    const response = await fetch(url, { signal: controller.signal });
    await response.body?.getReader().read();
    controller.abort();
    await until(() => told.length === 2, 'the end');
    expect(told.sort()).toEqual(['aborted', 'cancelled']);
  });

  it('a client that leaves in the middle of its content fails the read', async () => {
    let failure: unknown;
    const { url } = await site(
      async (request) => {
        try {
          return new Response(await request.text());
        } catch (error) {
          failure = error;
          throw error;
        }
      },
      { host },
    );
    const { hostname, port, pathname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(`POST ${pathname} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.resetAndDestroy();
    await until(() => failure !== undefined, 'the failure');
    expect(failure).toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
  });

  it('content that nobody reads does not hold up the next request', async () => {
    const { url, faults } = await site(
      async (request) => {
        // Begins to read, and stops.
        if (request.method === 'PUT') await request.body?.getReader().read();
        return new Response(request.method);
      },
      { host },
    );
    const { pathname } = new URL(url);
    const content = 'x'.repeat(300_000);
    const received = await exchange(
      url,
      `POST ${pathname} HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${content}` +
        `PUT ${pathname} HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${content}` +
        `GET ${pathname} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(received.match(/\r\n\r\n(?:POST|PUT|GET)/g)).toHaveLength(3);
    expect(faults).toEqual([]);
  });

  it('a stream that fails before its first chunk is a 500, and later cuts the response off', async () => {
    const failing = (chunks: number) =>
      new Response(
        new ReadableStream({
          pull(controller) {
            if (chunks === 0) throw new Error('broken stream');
            controller.enqueue(PIECE.subarray(0, 3));
            chunks -= 1;
          },
        }),
      );
    const { url } = await site((request) => failing(Number(new URL(request.url).searchParams.get('n'))), {
      host,
    });
    expect((await fetch(`${url}?n=0`)).status).toBe(500);
    await expect(fetch(`${url}?n=2`).then((response) => response.text())).rejects.toThrow();
  });

  it('a handler that throws fails with that very value', async () => {
    const { url } = await site(
      () => {
        throw new Error('own error');
      },
      { host },
    );
    expect((await fetch(url)).status).toBe(500);
  });
});
