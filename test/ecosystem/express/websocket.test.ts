/** WebSockets beside an Express app: shared sessions, refused upgrades, a proxy, and ws on the server itself. */
import { createServer as createNodeServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import express, { type Express } from 'express';
import session from 'express-session';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { fromExpress } from '../../../bridges/express/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { type AnyServer, expectAlike, type MakeProgram } from '../both-servers.ts';

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** An app with a server that passes upgrades to a handler. */
function upgrading(make: (trail: string[]) => Promise<Upgrading> | Upgrading): MakeProgram {
  return async (trail) => {
    const { app, onUpgrade, close } = await make(trail);
    app.set('env', 'production');
    return {
      ...(close && { close }),
      node: () => createNodeServer(app).on('upgrade', onUpgrade),
      ours: () => createServer(fromExpress(app)).on('upgrade', onUpgrade),
    };
  };
}

interface Upgrading {
  readonly app: Express;
  readonly onUpgrade: OnUpgrade;
  readonly close?: () => Promise<void>;
}

declare module 'express-session' {
  interface SessionData {
    name: string;
  }
}

const withSession = upgrading((trail) => {
  const app = express();
  const parse = session({ secret: 's', resave: false, saveUninitialized: false });
  app.use(parse);
  app.get('/login', (req, res) => {
    req.session.name = 'somebody';
    res.send('logged in');
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 100 } });
  sockets.on('connection', (socket, request) => {
    const { name } = sessionOf(request);
    trail.push(
      `connected ${request.url} ${name} ${request.headers.host === undefined} ${request.socket.remoteAddress}`,
    );
    socket.send(`welcome ${name}`);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('close', (code, reason) => trail.push(`closed ${code} ${reason}`));
  });
  return {
    app,
    onUpgrade(request, socket, head) {
      // As in ws's own example: runs the session middleware with a response that is never sent.
      parse(request as never, {} as never, () => {
        if (sessionOf(request).name === undefined) {
          socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
        } else {
          sockets.handleUpgrade(request, socket, head, (client) =>
            sockets.emit('connection', client, request),
          );
        }
      });
    },
  };
});

/** Set by express-session. */
function sessionOf(request: IncomingMessage): { name?: string } {
  return Reflect.get(request, 'session');
}

const proxied = upgrading(async (trail) => {
  const upstream = createNodeServer((_req, res) => void res.end('upstream'));
  new WebSocketServer({ server: upstream, path: '/chat' }).on('connection', (socket, { headers }) => {
    trail.push(`upstream ${headers['x-forwarded-for']} ${headers['x-added']}`);
    socket.on('message', (data) => socket.send(`${data}`.toUpperCase()));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  // The address is a string only for a pipe.
  const { port } = upstream.address() as AddressInfo;
  const proxy = createProxyMiddleware({
    target: `http://127.0.0.1:${port}`,
    xfwd: true,
    ws: false,
    on: { proxyReqWs: (request) => request.setHeader('X-Added', 'added') },
  });
  const app = express();
  app.use(proxy);
  // The types of ws want a net.Socket; node declares a Duplex.
  const onUpgrade: OnUpgrade = (request, socket, head) => proxy.upgrade(request, socket as never, head);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      upstream.close(() => resolve());
      upstream.closeAllConnections();
    });
  return { app, onUpgrade, close };
});

/** Sends messages one by one and returns the answers, including the greeting. */
async function talk(url: string, messages: readonly string[], headers = {}): Promise<string> {
  const socket = new WebSocket(url, { headers });
  const heard: string[] = [];
  const wait = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (heard.length < count) return;
        socket.off('message', look);
        resolve();
      };
      socket.on('message', look);
      look();
    });
  socket.on('message', (data) => heard.push(`${data}`));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  const unasked = messages.length === 3 ? 1 : 0;
  await wait(unasked);
  for (const [index, message] of messages.entries()) {
    socket.send(message);
    await wait(index + 1 + unasked);
  }
  const closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
  socket.close(1000, 'bye');
  return `${heard.map((text) => text.slice(0, 20)).join()} ${heard.at(-1)?.length} ${await closed}`;
}

describe('WebSockets', () => {
  it('share the session of the app', async () => {
    const { text, trail } = await expectAlike(
      withSession,
      async (visitor) => {
        const { headers } = await visitor.fetch('/login');
        const cookie = headers.find(([name]) => name === 'Set-Cookie')?.[1].split(';')[0] ?? '';
        const url = `ws://127.0.0.1:${visitor.port}/chat?x=1`;
        visitor.note(await talk(url, ['one', 'two', 'x'.repeat(200_000)], { Cookie: cookie }));
        await visitor.seen('closed');
        const refusal = talk(url, []).catch((error) => `${error.message}`);
        visitor.note(await refusal);
        await visitor.fetch('/login');
      },
      { masks: [/(connect\.sid=s%3A)[^;\s]+/g] },
    );
    expect(text).toContain('welcome somebody,one,two,xxxxxxxxxxxxxxxxxxxx 200000 1000');
    expect(text).toContain('Unexpected server response: 401');
    expect(trail).toEqual(['connected /chat?x=1 somebody false 127.0.0.1', 'closed 1000 bye']);
  });

  it('pass through a proxy', async () => {
    const { text, trail } = await expectAlike(
      proxied,
      async (visitor) => {
        const url = `ws://127.0.0.1:${visitor.port}`;
        visitor.note(await talk(`${url}/chat`, ['a', 'b']));
        visitor.note(await talk(`${url}/elsewhere`, []).catch((error) => `${error.message}`));
        await visitor.fetch('/');
      },
      { isSeparate: true },
    );
    expect(text).toContain('A,B 1 1000');
    expect(trail[0]).toBe('upstream 127.0.0.1 added');
  });

  it('are served by ws on the server itself', async () => {
    const make: MakeProgram = (trail) => {
      const app = express();
      app.get('/', (_req, res) => void res.send('page'));
      const serve = <S extends AnyServer>(server: S): S => {
        // The types of ws want node's Server; it only listens to `upgrade`, `listening` and `error`.
        const sockets = new WebSocketServer({ server: server as never, path: '/live', maxPayload: 1000 });
        sockets.on('connection', (socket) => {
          socket.on('message', (data) => socket.send(`echo ${data}`));
          socket.on('error', (error) => trail.push(error.message));
        });
        return server;
      };
      return { node: () => serve(createNodeServer(app)), ours: () => serve(createServer(fromExpress(app))) };
    };
    const { text, trail } = await expectAlike(make, async (visitor) => {
      const url = `ws://127.0.0.1:${visitor.port}/live`;
      visitor.note(await talk(url, ['hello', 'again']));
      visitor.note(await talk(`${url}/not`, []).catch((error) => `${error.message}`));
      const client = visitor.open();
      client.send('GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      await visitor.read(client);
      visitor.note(await client.farewell());
      const large = new WebSocket(url);
      large.on('open', () => large.send('x'.repeat(2000)));
      visitor.note(`${await new Promise((resolve) => large.on('close', resolve))}`);
      await visitor.fetch('/');
    });
    expect(text).toContain('echo hello,echo again');
    expect(text).toContain('Unexpected server response: 400');
    expect(text).toContain('\n1009\n');
    expect(trail).toEqual(['Max payload size exceeded']);
  });
});
