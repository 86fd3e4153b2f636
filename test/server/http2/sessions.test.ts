/** Sessions of HTTP/2: their events, their ends, their time-outs, and what is counted of them. */
import { once } from 'node:events';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { observe } from '../../../src/server/index.ts';
import type { Application } from '../../../src/wsgi.ts';
import { hello } from '../support.ts';
import { CODE, data, frame, headers, request, TYPE } from './frames.ts';
import { fetchHttp2, startForEach } from './support.ts';

const start = startForEach();

/** An application that answers when it is told. */
function held(): { readonly application: Application; release(): void; readonly started: Promise<void> } {
  let release = (): void => {};
  let begin = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const started = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const application: Application = async (environ, startResponse) => {
    if (environ.PATH_INFO === '/held') {
      begin();
      await released;
    }
    return hello(environ, startResponse);
  };
  return { application, release, started };
}

describe('events', () => {
  it('emits session and stream with node:http2’s arguments, and the application answers', async () => {
    const { server, session } = await start(hello);
    const sessions: ServerHttp2Session[] = [];
    const streams: unknown[][] = [];
    server.on('session', (one) => sessions.push(one));
    server.on('stream', (...values) => streams.push([...values, values[0].session]));
    expect((await fetchHttp2(session(), { ':path': '/x' })).status).toBe(200);
    expect(sessions).toHaveLength(1);
    const [, fields, flags, lines, sessionOfStream] = streams[0] ?? [];
    expect(sessionOfStream).toBe(sessions[0]);
    expect(fields).toMatchObject({ ':path': '/x' });
    expect(typeof flags).toBe('number');
    expect(lines).toContain(':path');
  });

  it('leaves a stream to a listener of stream that answers it', async () => {
    let calls = 0;
    const { server, session } = await start((environ, startResponse) => {
      calls += 1;
      return hello(environ, startResponse);
    });
    server.on('stream', (stream: ServerHttp2Stream, fields) => {
      if (fields[':path'] !== '/mine') return;
      stream.respond({ ':status': 202 });
      stream.end('mine');
    });
    const client = session();
    expect(await fetchHttp2(client, { ':path': '/mine' })).toMatchObject({ status: 202 });
    expect(await fetchHttp2(client, { ':path': '/' })).toMatchObject({ status: 200 });
    expect(calls).toBe(1);
  });

  it('resets a response that nobody takes behind content that never ends, and counts each fault once', async () => {
    const limits = {
      requestTimeout: 100,
      headersTimeout: 100,
      writeTimeout: 600,
      connectionsCheckingInterval: 20,
    };
    const running = await start((_environ, startResponse) => {
      startResponse('200 OK', []);
      return [Buffer.alloc(1_000_000)];
    }, limits);
    const client = running.frames().begin(headers(1, request('/', [], 'POST'), false), data(1, 'some'));
    expect(await client.end(1)).toBe(CODE.ENHANCE_YOUR_CALM);
    const { timeouts, clientErrors } = running.server.metrics();
    expect([timeouts.content, timeouts.unresponsive, clientErrors]).toEqual([1, 1, 1]);
  });

  it('keeps a session as long as the stream of such a listener', async () => {
    const options = {
      keepAliveTimeout: 50,
      keepAliveTimeoutBuffer: 0,
      headersTimeout: 100,
      requestTimeout: 100,
    };
    const { server, session } = await start(hello, { ...options, connectionsCheckingInterval: 20 });
    const opened = new Promise<ServerHttp2Stream>((resolve) => {
      server.on('stream', (stream: ServerHttp2Stream, fields) => {
        if (fields[':path'] !== '/events') return;
        stream.respond({ ':status': 200 });
        stream.write('first');
        resolve(stream);
      });
    });
    const client = session();
    // One stream of the session was answered by the application.
    expect((await fetchHttp2(client)).status).toBe(200);
    const events = fetchHttp2(client, { ':path': '/events' });
    const stream = await opened;
    const closed = new Promise((resolve) => server.close(resolve));
    await delay(1_500);
    expect([client.destroyed, server.metrics().requests.inFlight]).toEqual([false, 1]);
    stream.end(' last');
    expect(`${(await events).content}`).toBe('first last');
    await closed;
    expect(server.metrics().timeouts).toEqual({ idle: 0, head: 0, content: 0, unresponsive: 0 });
  });

  it('emits sessionError for a session that ends with an error', async () => {
    const { server, frames } = await start(hello);
    const heard = once(server, 'sessionError');
    const client = frames().begin(frame(TYPE.GOAWAY, Buffer.from([0, 0, 0, 0, 0, 0, 0, 1])));
    const [error, session] = await heard;
    expect(error).toBeInstanceOf(Error);
    expect(session).toBeDefined();
    await client.closed();
    expect(server.metrics().clientErrors).toBe(1);
  });

  it('emits timeout with the session, or closes it if nobody listens', async () => {
    const { server, frames } = await start(hello, { timeout: 100 });
    const client = frames().begin();
    await client.closed();
    const heard = once(server, 'timeout');
    frames().begin();
    const [session] = await heard;
    expect(session.alpnProtocol).toBe('h2c');
  });
});

describe('the end', () => {
  it('close() drops idle sessions with GOAWAY, and serves busy ones to their end', async () => {
    const { application, release, started } = held();
    const { server, frames } = await start(application);
    const idle = frames().begin(headers(1));
    await idle.end(1);
    const busy = frames().begin(headers(1, request('/held')));
    await started;
    const closed = new Promise((resolve) => server.close(resolve));
    expect(await idle.goaway()).toBe(CODE.NO_ERROR);
    await idle.closed();
    expect(await busy.goaway()).toBe(CODE.NO_ERROR);
    expect(busy.count(TYPE.RST_STREAM)).toBe(0);
    release();
    expect(await busy.end(1)).toBe('whole');
    expect(String(busy.content(1))).toBe('Hello');
    await busy.closed();
    await closed;
  });

  it('tells which requests are served, so that the client can send the others elsewhere (RFC 9113 §6.8)', async () => {
    const { application, release, started } = held();
    const { server, frames } = await start(application);
    const client = frames().begin(headers(1, request('/held')));
    await started;
    const stopped = server.shutdown({ timeout: 5_000 });
    const { payload } = await client.next(TYPE.GOAWAY);
    expect(payload.readUInt32BE()).toBe(1);
    client.send(headers(3));
    release();
    expect(await client.end(1)).toBe('whole');
    expect(client.frames.some(({ streamId }) => streamId === 3)).toBe(false);
    await stopped;
  });

  it('shutdown() cuts off what runs at the deadline', async () => {
    const { application, release, started } = held();
    const { server, frames } = await start(application);
    const client = frames().begin(headers(1, request('/held')));
    await started;
    const began = performance.now();
    await server.shutdown({ timeout: 100 });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await client.end(1)).toBe(CODE.INTERNAL_ERROR);
    release();
  });

  it('shutdown() with idleGrace serves one more request of an idle session', async () => {
    const { server, frames } = await start(hello);
    const client = frames().begin(headers(1));
    await client.end(1);
    const stopped = server.shutdown({ idleGrace: 500 });
    await delay(50);
    client.send(headers(3));
    expect(await client.end(3)).toBe('whole');
    await client.goaway();
    await stopped;
  });

  it('closeIdleConnections() and closeAllConnections() are http.Server’s', async () => {
    const { application, release, started } = held();
    const { server, frames } = await start(application);
    const idle = frames().begin(headers(1));
    await idle.end(1);
    const busy = frames().begin(headers(1, request('/held')));
    await started;
    server.closeIdleConnections();
    await idle.closed();
    expect(busy.isClosed).toBe(false);
    server.closeAllConnections();
    await busy.closed();
    expect(await busy.end(1)).toBe(CODE.INTERNAL_ERROR);
    release();
  });

  it('ends after maxRequestsPerSocket requests, all of which are answered', async () => {
    const { frames } = await start(hello, { maxRequestsPerSocket: 3 });
    const client = frames().begin(headers(1), headers(3), headers(5));
    expect(await Promise.all([1, 3, 5].map((id) => client.end(id)))).toEqual(['whole', 'whole', 'whole']);
    expect(await client.goaway()).toBe(CODE.NO_ERROR);
    await client.closed();
  });

  it('refuses streams beyond maxConcurrentStreams, which the client may send again', async () => {
    const { application, release } = held();
    const { frames } = await start(application, { maxConcurrentStreams: 2 });
    const client = frames().begin(...[1, 3, 5].map((id) => headers(id, request('/held'))));
    expect(await client.end(5)).toBe(CODE.REFUSED_STREAM);
    release();
    expect(await client.end(1)).toBe('whole');
  });

  it('ends a session whose client opens more streams although it knows the limit (RFC 9113 §5.1.2)', async () => {
    const { application, release } = held();
    const { frames } = await start(application, { maxConcurrentStreams: 2 });
    const client = frames().begin();
    await client.next(TYPE.SETTINGS);
    client.send(frame(TYPE.SETTINGS, '', { flags: 1 }));
    client.send(...[1, 3, 5].map((id) => headers(id, request('/held'))));
    // PROTOCOL_ERROR by the RFC; node:http2 says INTERNAL_ERROR (Node 20).
    expect(await client.goaway()).not.toBe(CODE.NO_ERROR);
    release();
  });
});

describe('time-outs', () => {
  it('closes a session that idles for keepAliveTimeout, and one without a request after headersTimeout', async () => {
    const limits = { keepAliveTimeout: 100, keepAliveTimeoutBuffer: 50, headersTimeout: 1_500 };
    const { server, frames } = await start(hello, limits);
    const idle = frames().begin(headers(1));
    const fresh = frames().begin();
    await idle.closed();
    expect(fresh.isClosed).toBe(false);
    await fresh.closed();
    expect(server.metrics().timeouts).toMatchObject({ idle: 1, head: 1 });
  });

  it('keeps a session whose stream is open, for as long as its application works', async () => {
    const { application, release, started } = held();
    const { frames } = await start(application, { keepAliveTimeout: 100, keepAliveTimeoutBuffer: 0 });
    const client = frames().begin(headers(1, request('/held')));
    await started;
    await delay(500);
    release();
    expect(await client.end(1)).toBe('whole');
  });

  it('ends a busy session whose client does not answer', async () => {
    const { application, release, started } = held();
    const { server, frames } = await start(application, { writeTimeout: 200 });
    const client = frames();
    client.answersPings = false;
    client.begin(headers(1, request('/held')));
    await started;
    await client.closed();
    expect(server.metrics().timeouts.unresponsive).toBe(1);
    release();
  });
});

describe('metrics and channels', () => {
  it('counts requests, responses and connections', async () => {
    const { application, release, started } = held();
    const { server, session } = await start(application);
    const client = session();
    const [first] = await Promise.all([fetchHttp2(client), fetchHttp2(client)]);
    expect(first?.status).toBe(200);
    const waiting = [fetchHttp2(client, { ':path': '/held' }), fetchHttp2(client, { ':path': '/held' })];
    await started;
    await delay(10);
    expect(server.metrics()).toMatchObject({
      connections: { open: 1, busy: 1, idle: 0 },
      requests: { total: 4, inFlight: 2 },
      responses: { '2xx': 2 },
    });
    release();
    await Promise.all(waiting);
    await expect.poll(() => server.metrics().requests.inFlight).toBe(0);
    expect(server.metrics().connections).toMatchObject({ open: 1, busy: 0, idle: 1 });
    expect(server.metrics().bytes.received).toBeGreaterThan(100);
    client.destroy();
    await expect.poll(() => server.metrics().connections.open).toBe(0);
    expect(server.metrics().requests.total).toBe(4);
  });

  it('publishes each request, and the connection once', async () => {
    const { session } = await start(hello);
    const heard: string[] = [];
    const stops = [
      observe('gatebridge.connection.open', () => heard.push('open')),
      observe('gatebridge.request.start', ({ environ }) => heard.push(`start ${environ.SERVER_PROTOCOL}`)),
      observe('gatebridge.request.finish', ({ status }) => heard.push(`finish ${status}`)),
      observe('gatebridge.connection.close', ({ requests }) => heard.push(`close ${requests}`)),
    ];
    const client = session();
    await fetchHttp2(client);
    await fetchHttp2(client);
    client.destroy();
    await expect.poll(() => heard.at(-1)).toBe('close 2');
    for (const stop of stops) stop();
    const request = ['start HTTP/2.0', 'finish 200 OK'];
    expect(heard).toEqual(['open', ...request, ...request, 'close 2']);
  });

  it('leaves nothing of 1,000 streams that were aborted', async () => {
    let calls = 0;
    let closes = 0;
    const { server, frames } = await start(
      (_environ, startResponse) => {
        calls += 1;
        startResponse('200 OK', []);
        const body = (async function* pieces() {
          for (;;) {
            yield Buffer.alloc(1_000);
            await delay(5);
          }
        })();
        return Object.assign(body, { close: () => (closes += 1) });
      },
      { streamResetBurst: 10_000 },
    );
    const client = frames().begin();
    for (let count = 0; count < 1_000; count += 50) {
      const ids = Array.from({ length: 50 }, (_, index) => 2 * (count + index) + 1);
      client.send(...ids.map((id) => headers(id, request('/', [], 'POST'), false)));
      client.send(...ids.map((id) => data(id, 'some')));
      await client.next(TYPE.HEADERS, ids.at(-1));
      client.send(...ids.map((id) => frame(TYPE.RST_STREAM, Buffer.from([0, 0, 0, 8]), { streamId: id })));
    }
    expect(calls).toBe(1_000);
    await expect.poll(() => closes, { timeout: 10_000 }).toBe(1_000);
    await expect.poll(() => server.metrics().requests.inFlight, { timeout: 10_000 }).toBe(0);
    expect(server.metrics().connections).toMatchObject({ open: 1, idle: 1 });
  });
});
