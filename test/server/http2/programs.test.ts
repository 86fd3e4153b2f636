/** Programs written for node on the standalone server over HTTP/2: listeners, Express and Fastify apps, middleware. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../../bridges/express/index.ts';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import { fromNode } from '../../../bridges/node/index.ts';
import { accessLog } from '../../../src/middleware/index.ts';
import { hello } from '../support.ts';
import { CODE, headers, request, reset, TYPE } from './frames.ts';
import { fetchHttp2, startForEach } from './support.ts';

const start = startForEach();

describe('programs written for node', () => {
  it('get messages of version 2.0, as listeners of request too', async () => {
    const { server, session } = await start(hello);
    const seen: unknown[] = [];
    server.on('request', (req: IncomingMessage, res: ServerResponse) => {
      seen.push(req.httpVersion, req.headers.host, req.socket.remoteAddress, res.constructor.name);
    });
    const response = await fetchHttp2(session(), { ':authority': 'site.test' });
    expect(String(response.content)).toBe('Hello');
    expect(seen).toEqual(['2.0', 'site.test', '127.0.0.1', 'ServerResponse']);
  });

  it('are served unmodified: an Express app', async () => {
    const app = express();
    app.post('/echo', express.json(), (req, res) => {
      res.status(201).set('Connection', 'close').json({ got: req.body, host: req.hostname });
    });
    app.get('/stream', (_req, res) => {
      res.write('one ');
      setTimeout(() => res.end('two'), 20);
    });
    const { session } = await start(fromExpress(app));
    const client = session();
    const fields = { ':method': 'POST', ':path': '/echo', 'content-type': 'application/json' };
    const response = await fetchHttp2(client, fields, '{"a":1}');
    expect(response.status).toBe(201);
    expect(JSON.parse(String(response.content))).toEqual({ got: { a: 1 }, host: '127.0.0.1' });
    expect(response.headers.connection).toBeUndefined();
    expect(String((await fetchHttp2(client, { ':path': '/stream' })).content)).toBe('one two');
    expect((await fetchHttp2(client, { ':path': '/missing' })).status).toBe(404);
  });

  it('are served unmodified: a Fastify app', async () => {
    const app = fastify();
    app.post('/echo', async (request, reply) => reply.code(201).send({ got: request.body }));
    app.get('/fail', async () => {
      throw new Error('Oh no');
    });
    const { session } = await start(fromFastify(app));
    const client = session();
    const fields = { ':method': 'POST', ':path': '/echo', 'content-type': 'application/json' };
    const response = await fetchHttp2(client, fields, '{"a":1}');
    expect([response.status, String(response.content)]).toEqual([201, '{"got":{"a":1}}']);
    expect((await fetchHttp2(client, { ':path': '/fail' })).status).toBe(500);
  });

  it('get content without a length, and trailers, and send trailers', async () => {
    const { session } = await start(
      fromNode((req, res) => {
        let text = '';
        req.on('data', (piece) => {
          text += piece;
        });
        req.on('end', () => {
          res.writeHead(200, { Trailer: 'x-sum' });
          res.write(`${text} ${JSON.stringify(req.trailers)}`);
          res.addTrailers({ 'x-sum': '7' });
          res.end();
        });
      }),
    );
    const stream = session().request({ ':method': 'POST' }, { waitForTrailers: true, endStream: false });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
    stream.end('content');
    let text = '';
    stream.on('data', (piece) => {
      text += piece;
    });
    const [fields] = await once(stream, 'trailers');
    expect([text, fields['x-sum']]).toEqual(['content {"x-end":"yes"}', '7']);
  });

  it('hear of a client that leaves, and can cut their stream', async () => {
    const { server, frames } = await start(hello);
    const events: string[] = [];
    server.removeAllListeners('request');
    server.on('request', (req: IncomingMessage, res: ServerResponse) => {
      res.on('close', () => events.push(`${req.url} close ${res.writableFinished}`));
      res.write('begun');
      if (req.url === '/cut') setTimeout(() => req.socket.destroy(), 20);
    });
    const client = frames().begin(headers(1, request('/left')), headers(3, request('/cut')));
    await client.next(TYPE.DATA, 1);
    client.send(reset(1));
    expect(await client.end(3)).toBe(CODE.INTERNAL_ERROR);
    await expect.poll(() => events.toSorted()).toEqual(['/cut close false', '/left close false']);
    expect(client.isClosed).toBe(false);
  });

  it('are written to the access log', async () => {
    const lines: string[] = [];
    const logged = accessLog({ log: (line) => lines.push(line) })(hello);
    const { session } = await start(logged);
    await fetchHttp2(session(), { ':path': '/logged' });
    await expect.poll(() => lines.join('')).toContain('"GET /logged HTTP/2.0" 200 5');
  });
});
