/** WebSockets over HTTP/2 (RFC 8441): frames of ws on streams of node's client, and a browser in its own test. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';
import fastifyWebsocket from '@fastify/websocket';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import * as ws from 'ws';
import { WebSocketServer } from 'ws';
import { fromExpress, toExpress } from '../../../bridges/express/index.ts';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import { fromNode } from '../../../bridges/node/index.ts';
import { dispatch } from '../../../src/middleware/index.ts';
import type { Application } from '../../../src/wsgi.ts';
import { hello } from '../support.ts';
import { type Http2Server, startForEach } from './support.ts';

const start = startForEach();

async function connected(running: Http2Server): Promise<ClientHttp2Session> {
  const session = running.session();
  const [settings] = await once(session, 'remoteSettings');
  expect(settings.enableConnectProtocol).toBe(true);
  return session;
}

/** The codec of ws, which its types do not declare. */
const { Receiver, Sender } = ws as unknown as {
  readonly Receiver: new (options: object) => Duplex;
  readonly Sender: new (stream: object) => { send(data: string | Buffer, options: object): void };
};

interface Opened {
  readonly stream: ClientHttp2Stream;
  readonly response: IncomingHttpHeaders;
}

async function open(session: ClientHttp2Session, path: string, protocol = 'websocket'): Promise<Opened> {
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': protocol,
      ':path': path,
      ':scheme': 'http',
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'first, second',
    },
    { endStream: false },
  );
  stream.on('error', () => {});
  const [response] = await once(stream, 'response');
  return { stream, response };
}

/** Sends a masked message, and gives the next one. */
async function ask(stream: ClientHttp2Stream, message: string | Buffer): Promise<Buffer> {
  const sender = new Sender(stream);
  const receiver = new Receiver({ isServer: false });
  const answered = once(receiver, 'message');
  const pass = (octets: Buffer): unknown => receiver.write(octets);
  stream.on('data', pass);
  sender.send(message, { binary: typeof message !== 'string', fin: true, mask: true, compress: false });
  const [data] = await answered;
  stream.off('data', pass);
  return data;
}

/** A program of ws that never listens. */
function echo(): {
  readonly application: Application;
  readonly sockets: WebSocketServer;
  readonly closed: unknown[];
} {
  const server = createServer((_request, response) => response.end('page'));
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'second' });
  const closed: unknown[] = [];
  sockets.on('connection', (socket, request) => {
    socket.on('close', (code) => closed.push(code));
    socket.on('message', (data, isBinary) => {
      if (String(data) === 'where') socket.send(`${request.url} ${request.method} ${request.httpVersion}`);
      else socket.send(data, { binary: isBinary });
    });
  });
  return { application: fromNode(server), sockets, closed };
}

describe('an extended CONNECT', () => {
  it('opens a WebSocket of a program, below a mount', async () => {
    const { application, closed } = echo();
    const running = await start(dispatch({ '/chat': application }));
    const session = await connected(running);
    const { stream, response } = await open(session, '/chat/x?y');
    expect(response[':status']).toBe(200);
    expect(response['sec-websocket-protocol']).toBe('second');
    expect(Object.keys(response)).not.toContain('upgrade');
    expect(Object.keys(response)).not.toContain('sec-websocket-accept');
    expect(String(await ask(stream, 'where'))).toBe('/x?y GET 2.0');
    const large = Buffer.alloc(1_000_000, 'large');
    expect((await ask(stream, large)).equals(large)).toBe(true);
    stream.close(8);
    await vi.waitFor(() => expect(closed).toEqual([1006]));
    // The session goes on.
    const again = await open(session, '/chat');
    expect(String(await ask(again.stream, 'again'))).toBe('again');
    again.stream.close(8);
  });

  it('reaches @fastify/websocket, also in a mount of Express', async () => {
    const app = fastify();
    app.register(fastifyWebsocket);
    app.register(async (scope) => {
      scope.get('/echo', { websocket: true }, (socket, { url }) => {
        socket.on('message', (data) => socket.send(`${url} ${data}`));
      });
    });
    const host = express().use('/deep', toExpress(fromFastify(app)));
    const running = await start(dispatch({ '/f': fromFastify(app), '/e': fromExpress(host) }));
    const session = await connected(running);
    for (const path of ['/f/echo', '/e/deep/echo']) {
      const { stream, response } = await open(session, path);
      expect(response[':status']).toBe(200);
      expect(String(await ask(stream, 'hi'))).toBe('/echo hi');
      stream.close(8);
    }
    const { response } = await open(session, '/f/nowhere');
    expect(response[':status']).toBe(404);
    await app.close();
  });

  it('reaches listeners of upgrade', async () => {
    const running = await start(hello);
    const sockets = new WebSocketServer({ server: running.server as never, path: '/live' });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    const session = await connected(running);
    const { stream, response } = await open(session, '/live');
    expect(response[':status']).toBe(200);
    expect(String(await ask(stream, 'live'))).toBe('live');
    stream.close(8);
    expect((await open(session, '/dead')).response[':status']).toBe(400);
  });

  it('is 501 to an application that answers it as a GET; other statuses stay', async () => {
    const running = await start((environ, startResponse) => {
      const status = environ.PATH_INFO === '/no' ? '403 Forbidden' : '200 OK';
      startResponse(status, [['Content-Type', 'text/plain']]);
      return [`${environ.REQUEST_METHOD} ${environ.HTTP_UPGRADE} ${typeof environ['gateway.upgrade']}`];
    });
    const session = await connected(running);
    const refused = await open(session, '/no', 'other');
    expect(refused.response[':status']).toBe(403);
    expect((await refused.stream.toArray()).join('')).toBe('GET other function');
    const { stream, response } = await open(session, '/');
    expect([response[':status'], (await stream.toArray()).length]).toEqual([501, 0]);
    await vi.waitFor(() => expect(running.server.metrics().connections.busy).toBe(0));
  });

  it.each<[string, (write: (data: Buffer) => Promise<void>) => AsyncIterable<Buffer>]>([
    [
      'a stream without end',
      async function* () {
        for (;;) yield Buffer.alloc(10_000);
      },
    ],
    [
      'write',
      async function* (write) {
        await write(Buffer.alloc(10));
        yield Buffer.alloc(10);
      },
    ],
  ])('is 501 to an application that answers it by %s, which is then left', async (_name, answer) => {
    let isClosed = false;
    const running = await start((_environ, startResponse) => {
      const write = startResponse('200 OK', []);
      const chunks = answer(write)[Symbol.asyncIterator]();
      const close = (): void => {
        isClosed = true;
      };
      return { [Symbol.asyncIterator]: () => chunks, close };
    });
    const session = await connected(running);
    const { stream, response } = await open(session, '/');
    expect([response[':status'], (await stream.toArray()).length]).toEqual([501, 0]);
    await vi.waitFor(() => expect(isClosed).toBe(true));
    await vi.waitFor(() => expect(running.server.metrics().connections.busy).toBe(0));
    expect(running.log).toEqual([]);
  });

  it('is refused with a large page', async () => {
    const page = Buffer.alloc(500_000, 'no ');
    const running = await start((_environ, startResponse) => {
      startResponse('403 Forbidden', [['Content-Type', 'text/plain']]);
      return [page];
    });
    const { stream, response } = await open(await connected(running), '/');
    const content = Buffer.concat(await stream.toArray());
    expect([response[':status'], content.equals(page)]).toEqual([403, true]);
  });

  it('is reset if what takes it writes no response of HTTP/1.1', async () => {
    const running = await start((environ) => {
      // A stream that looks like a socket.
      const socket = environ['gateway.upgrade']?.().socket as Duplex;
      if (environ.PATH_INFO === '/nothing') socket.end();
      else socket.write('frames at once\r\n\r\n');
      return [];
    });
    const session = await connected(running);
    for (const path of ['/nothing', '/frames']) {
      const stream = session.request({
        ':method': 'CONNECT',
        ':protocol': 'x',
        ':path': path,
        ':scheme': 'http',
      });
      const [error] = await once(stream, 'error');
      expect(error.code).toBe('ERR_HTTP2_STREAM_ERROR');
    }
  });

  it.each([
    [
      'fields that node would not repeat',
      '401 No\r\nContent-Type: a/b\r\nContent-Type: c/d',
      [401, 'a/b', 'no'],
    ],
    [
      'fields of a connection',
      '401 No\r\nTE: gzip\r\nHTTP2-Settings: x\r\nContent-Type: a/b',
      [401, 'a/b', 'no'],
    ],
    ['a status that HTTP/2 of node does not have', '999 No\r\nContent-Type: a/b', 'reset'],
    ['a name that no field has', '401 No\r\nbad name: x', 'reset'],
    ['a value that no field has', '401 No\r\nX: a\0b', 'reset'],
  ])('never opens by a refusal with %s', async (_name, head, expected) => {
    const running = await start((environ) => {
      // A stream that looks like a socket.
      const socket = environ['gateway.upgrade']?.().socket as Duplex;
      socket.on('error', () => {});
      socket.end(`HTTP/1.1 ${head}\r\n\r\nno`);
      return [];
    });
    const session = await connected(running);
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'x',
      ':path': '/',
      ':scheme': 'http',
    });
    stream.on('error', () => {});
    let response: IncomingHttpHeaders | undefined;
    stream.once('response', (headers) => {
      response = headers;
    });
    const content = await stream.toArray().catch(() => []);
    stream.close();
    const found = response && [response[':status'], response['content-type'], content.join('')];
    expect(found ?? 'reset').toEqual(expected);
  });

  it('lets go of sockets that their application has ended, and has not read', async () => {
    const sockets = new Set<Duplex>();
    const running = await start((environ) => {
      // A stream that looks like a socket.
      const socket = environ['gateway.upgrade']?.().socket as Duplex;
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.end('HTTP/1.1 101 Yes\r\n\r\nbye');
      return [];
    });
    const session = await connected(running);
    for (const code of [0, 8]) {
      const { stream } = await open(session, '/');
      stream.resume();
      stream.write('unread');
      setTimeout(() => stream.close(code), 20);
      await once(stream, 'close');
    }
    await vi.waitFor(() => expect(sockets.size).toBe(0));
    await vi.waitFor(() => expect(running.server.metrics().connections.busy).toBe(0));
  });

  it('has nothing left of 500 sockets, closed and lost', async () => {
    const { application, sockets } = echo();
    const running = await start(application);
    const session = await connected(running);
    for (let round = 0; round < 10; round += 1) {
      const opened = await Promise.all(Array.from({ length: 50 }, () => open(session, '/')));
      expect(sockets.clients.size).toBe(50);
      for (const { stream } of opened) stream.close(8);
      await vi.waitFor(() => expect(sockets.clients.size).toBe(0));
    }
    const other = running.session();
    await open(other, '/');
    other.destroy();
    await vi.waitFor(() => expect(sockets.clients.size).toBe(0));
  });
});
