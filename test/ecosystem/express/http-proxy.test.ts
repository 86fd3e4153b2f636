/** http-proxy-middleware with a real upstream: content both ways, failing upstreams, upgrades. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { createProxyMiddleware, fixRequestBody, responseInterceptor } from 'http-proxy-middleware';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const MASKS = [/(127\.0\.0\.1:|localhost:)\d+/g, /("x-forwarded-port":)"\d+"/g];

/** The upstream; notes each request in the trail. */
async function listenUpstream(trail: string[]): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((req, res) => void answer(req, res, trail));
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('close', (code) => trail.push(`upstream websocket closed ${code}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: portOf(server), close: () => closeAll(server) };
}

async function answer(req: IncomingMessage, res: ServerResponse, trail: string[]): Promise<void> {
  res.on('close', () => trail.push(`upstream closed, ${res.writableFinished ? 'finished' : 'cut'}`));
  const { method, url, headers } = req;
  const content = await read(req).catch((error) => `${error.code}`);
  trail.push(
    `upstream ${JSON.stringify({ method, url, headers, content: content.slice(0, 100), size: content.length })}`,
  );
  if (url === '/cut') {
    res.writeHead(200, { 'Content-Length': 10 }).write('half');
    setTimeout(() => res.destroy(), 10);
  } else if (url === '/reset') req.socket.resetAndDestroy();
  else if (url === '/never') res.on('close', () => {});
  else if (url === '/slowly') {
    res.writeHead(200, [
      'X-Odd',
      'a',
      'x-odd',
      'b',
      'Set-Cookie',
      'a=1; Domain=up.test',
      'Set-Cookie',
      'b=2',
    ]);
    for (const piece of ['one ', 'two ', 'three']) {
      res.write(piece);
      await delay(3);
    }
    res.end();
  } else if (url === '/moved') res.writeHead(302, { Location: `http://${req.headers.host}/there` }).end();
  else if (url === '/none') res.writeHead(204, { 'X-None': '1' }).end();
  else if (url === '/trailers') {
    res.writeHead(200, { Trailer: 'X-T' }).write('content');
    res.addTrailers({ 'X-T': 't' });
    res.end();
  } else if (url === '/large') res.end(Buffer.alloc(2_000_000, 'l'));
  else
    res
      .writeHead(207, 'Quite So', { 'X-Up': 'stream', 'Content-Type': 'text/plain' })
      .end(`${method} ${url}`);
}

async function read(req: IncomingMessage): Promise<string> {
  let content = '';
  for await (const piece of req.setEncoding('latin1')) content += piece;
  return content;
}

function portOf(server: Server): number {
  // The address is a string only for a pipe.
  return (server.address() as AddressInfo).port;
}

function closeAll(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const shout = responseInterceptor(async (content, _answer, _req, res) => {
  res.setHeader('X-Changed', `${content.length}`);
  return content.toString().toUpperCase();
});

const program = expressProgram(async (app, trail) => {
  const upstream = await listenUpstream(trail);
  const target = `http://127.0.0.1:${upstream.port}`;
  const on = {
    error: (error: NodeJS.ErrnoException) => void trail.push(`proxy error ${error.code}`),
    econnreset: (error: NodeJS.ErrnoException) => void trail.push(`proxy econnreset ${error.message}`),
  };
  app.use('/api', createProxyMiddleware({ target }));
  app.use('/hurried', createProxyMiddleware({ target, proxyTimeout: 60 }));
  app.use(
    '/told',
    createProxyMiddleware({
      target,
      changeOrigin: true,
      xfwd: true,
      autoRewrite: true,
      cookieDomainRewrite: 'site.test',
      pathRewrite: { '^/old': '/new' },
      on: {
        proxyReq: (proxied) => proxied.setHeader('X-Added', 'by the proxy'),
        proxyRes: (answer) => {
          answer.headers['x-answered'] = 'by the proxy';
        },
      },
    }),
  );
  app.use('/parsed', express.json(), createProxyMiddleware({ target, on: { proxyReq: fixRequestBody } }));
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve));
  const deadTarget = `http://127.0.0.1:${portOf(dead)}`;
  await closeAll(dead);
  app.use('/dead', createProxyMiddleware({ target: deadTarget }));
  app.use('/own', createProxyMiddleware({ target, on }));
  app.use('/ws', createProxyMiddleware({ target, ws: true }));
  app.use(
    '/changed',
    createProxyMiddleware({
      target,
      selfHandleResponse: true,
      on: {
        proxyRes: (...parts) => void shout(...parts),
      },
    }),
  );
  return upstream.close;
});

describe('http-proxy-middleware', () => {
  it.each(['/api', '/told', '/changed'])('passes requests and answers on: %s', async (mount) => {
    const { trail, responses } = await expectAlike(
      program,
      async ({ fetch }) => {
        const paths = '/ /old?x=1 /slowly /moved /none /trailers /large /a%2Fb%20c?q=%E2%82%AC'.split(' ');
        for (const path of paths) {
          // Skipped: the interceptor sends trailers without chunks, against node's rule, and never ends.
          if (mount !== '/changed' || path !== '/trailers') await fetch(`${mount}${path}`);
        }
        await fetch({ method: 'HEAD', target: `${mount}/` });
        await fetch({ method: 'HEAD', target: `${mount}/large` });
        await fetch({
          method: 'DELETE',
          target: `${mount}/`,
          headers: [
            ['X-A', 'a'],
            ['x-a', 'b'],
            ['Cookie', 'a=1'],
          ],
        });
        await fetch({ method: 'OPTIONS', target: `${mount}/` });
      },
      { masks: MASKS },
    );
    expect(responses[0]?.raw).toMatch(/^HTTP\/1\.1 207 Quite So\r\n/);
    if (mount === '/told') {
      expect(trail.join('\n')).toContain('"x-forwarded-for":"127.0.0.1"');
      expect(trail.join('\n')).toContain('"url":"/new?x=1"');
    }
  });

  it('passes content on', async () => {
    const chunked = '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n';
    const { trail } = await expectAlike(
      program,
      async (visitor) => {
        const { fetch } = visitor;
        const post = { method: 'POST', target: '/api/' };
        await fetch({ ...post, content: 'content' });
        await fetch({ ...post, content: 'x'.repeat(500_000) });
        await fetch({ ...post, content: chunked, headers: [['Transfer-Encoding', 'chunked']] });
        await fetch({ ...post, content: '' });
        await fetch(post);
        const json: [string, string][] = [['Content-Type', 'application/json']];
        await fetch({ ...post, target: '/parsed/', content: '{ "a": [1, "é"] }', headers: json });
        // The upstream answers this one itself.
        const client = visitor.open();
        client.send('POST /api/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n');
        visitor.note((await client.readHead()).raw);
        client.send('content');
        await visitor.read(client);
      },
      { masks: MASKS },
    );
    const text = trail.join('\n');
    expect(text).toContain('"content":"hello world","size":11');
    expect(text).toContain('"size":500000');
  });

  it('reports upstreams that fail', async () => {
    const { responses, text } = await expectAlike(
      program,
      async (visitor) => {
        for (const target of ['/dead/', '/api/reset', '/hurried/never', '/own/reset']) {
          if (target === '/own/reset') {
            const client = visitor.open();
            client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
            await visitor.seen('proxy error');
            visitor.note(`${await client.isSilent(20)}`);
          } else await visitor.fetch(target);
        }
        const client = visitor.open();
        client.send('GET /api/cut HTTP/1.1\r\nHost: a\r\n\r\n');
        visitor.note((await client.readHead()).raw);
        visitor.note((await client.readOctets(4)).toString());
        // The proxy itself does not report it.
        visitor.note(`${await client.isSilent(30)}`);
      },
      { masks: MASKS },
    );
    expect(responses.map(({ statusCode }) => statusCode)).toEqual([504, 504, 504]);
    expect(text).toContain('half');
  });

  it('tells the upstream that the client left during the content', async () => {
    const { trail } = await expectAlike(
      program,
      async (visitor) => {
        const client = visitor.open();
        client.send('POST /own/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
        await delay(30);
        client.reset();
        await visitor.seen('upstream {');
        await visitor.seen('upstream closed');
        await delay(10);
      },
      { masks: MASKS },
    );
    expect(trail.join()).toContain('"content":"ECONNRESET"');
  });

  it('passes upgrades on once it has seen a request', async () => {
    const { text, trail } = await expectAlike(
      program,
      async (visitor) => {
        await visitor.fetch('/ws/');
        const socket = new WebSocket(`ws://127.0.0.1:${visitor.port}/ws/chat`);
        const answers: string[] = [];
        socket.on('message', (data) => answers.push(`${data}`));
        await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
        for (const message of ['one', 'two', 'x'.repeat(100_000)]) {
          const answered = new Promise((resolve) => socket.once('message', resolve));
          socket.send(message);
          await answered;
        }
        visitor.note(answers.map((answer) => answer.slice(0, 10)).join());
        const closed = new Promise<number>((resolve) => socket.on('close', resolve));
        socket.close(4321, 'done');
        visitor.note(`closed ${await closed}`);
        await visitor.seen('upstream websocket closed');
      },
      { masks: MASKS, isSeparate: true },
    );
    expect(text).toContain('one,two,xxxxxxxxxx\nclosed 4321');
    expect(trail).toContain('upstream websocket closed 4321');
  });
});
