/** Many clients at once through a stack of middleware, some of whom leave: nothing is lost, and each has one line in the log. */
import { once } from 'node:events';
import {
  Agent,
  createServer as createHttpServer,
  type RequestListener,
  request as sendRequest,
} from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { Server } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import {
  type AccessRecord,
  accessLog,
  bufferInput,
  cascade,
  compose,
  conditional,
  cors,
  errorPage,
  head,
  limitBody,
  methodOverride,
  requestId,
  securityHeaders,
  timeout,
  trustedProxy,
} from '../../src/middleware/index.ts';
import { createServer } from '../../src/server/index.ts';
import { MemoryErrors } from '../../src/testing/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { atEnd, listen } from '../bridges/site.ts';

const app = express();
app.post('/echo/:id', express.text(), async (request, response) => {
  response.write(`${request.params.id} `);
  await new Promise(setImmediate);
  response.end(request.body);
});
app.get('/endless/:id', (_request, response) => {
  response.write('begun');
});

const missing: Application = (_environ, startResponse) => {
  startResponse('404 Not Found', []);
  return ['no'];
};

/** Sends requests, and leaves in the middle of answers. */
interface Clients {
  ask(path: string, address: string, content: string): Promise<string>;
  leave(path: string): Promise<string>;
}

function clientsOf(port: number): Clients {
  const agent = new Agent({ keepAlive: true, maxSockets: 100 });
  atEnd(() => agent.destroy());
  return {
    async ask(path, address, content) {
      const headers = { 'Content-Type': 'text/plain', 'X-Forwarded-For': address };
      const request = sendRequest({ port, agent, method: 'POST', path, headers });
      request.end(content);
      const [response] = await once(request, 'response');
      return readAll(response);
    },
    async leave(path) {
      const request = sendRequest({ port, path, agent: false });
      request.on('error', () => {});
      request.end();
      const [response] = await once(request, 'response');
      response.on('error', () => {});
      const [chunk] = await once(response, 'data');
      request.socket?.resetAndDestroy();
      return `${chunk}`;
    },
  };
}

/** All requests are streams of one connection. */
function clientsOfHttp2(port: number): Clients {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  atEnd(() => session.destroy());
  return {
    async ask(path, address, content) {
      const fields = { 'content-type': 'text/plain', 'x-forwarded-for': address };
      const stream = session.request({ ':method': 'POST', ':path': path, ...fields });
      stream.end(content);
      return readAll(stream);
    },
    async leave(path) {
      const stream = session.request({ ':path': path });
      const [chunk] = await once(stream, 'data');
      stream.close(8);
      return `${chunk}`;
    },
  };
}

async function readAll(stream: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

/** A host that serves the stack. */
interface Host {
  readonly clients: number;
  readonly mount?: string;
  readonly open?: (port: number) => Clients;
  serve(site: Application, options: { environ: Readonly<Record<string, unknown>> }): Server | Promise<Server>;
}

const HOSTS: Readonly<Record<string, Host>> = {
  'the standalone server': { clients: 1000, serve: (site, options) => createServer(site, options) },
  toNode: { clients: 200, serve: (site, options) => createHttpServer(toNode(site, options)) },
  'toNode over HTTP/2': {
    clients: 200,
    open: clientsOfHttp2,
    serve: (site, options) => createHttp2Server(toNode(site, options)),
  },
  toExpress: {
    clients: 200,
    mount: '/m',
    serve: (site, options) =>
      createHttpServer(express().use('/m', toExpress(site, options)) as unknown as RequestListener),
  },
  toFastify: {
    clients: 200,
    mount: '/m',
    async serve(site, options) {
      const instance = fastify();
      await instance.register(toFastify(site, options), { prefix: '/m' });
      await instance.ready();
      return instance.server;
    },
  },
};

describe('a stack around an Express app', () => {
  it.each(Object.entries(HOSTS))(
    'loses nothing, and leaves nothing, on %s',
    async (_name, host) => {
      const records: AccessRecord[] = [];
      const site = compose(
        trustedProxy({ addresses: ['loopback'] }),
        requestId(),
        accessLog({ log: (_line, record) => records.push(record) }),
        errorPage({ show: true }),
        securityHeaders(),
        cors(),
        timeout(),
        methodOverride(),
        head(),
        limitBody(),
        bufferInput(),
        conditional(),
        (inner) => cascade([missing, inner]),
      )(fromExpress(app));
      const errors = new MemoryErrors();
      const server = await host.serve(site, { environ: { 'wsgi.errors': errors } });
      const { port } = await listen(server);
      const { ask, leave } = (host.open ?? clientsOf)(port);
      const { clients, mount = '' } = host;
      const ids = Array.from({ length: clients }, (_, id) => id);
      const addressOf = (id: number): string => `10.0.${id >> 8}.${id & 255}`;
      const leaves = (id: number): boolean => id % 10 === 0;
      const pathOf = (id: number): string => `${mount}/${leaves(id) ? 'endless' : 'echo'}/${id}`;

      const texts = await Promise.all(
        ids.map((id) => (leaves(id) ? leave(pathOf(id)) : ask(pathOf(id), addressOf(id), `content ${id}`))),
      );
      expect(texts).toEqual(ids.map((id) => (leaves(id) ? 'begun' : `${id} content ${id}`)));
      await vi.waitFor(() => expect(records).toHaveLength(clients), 5000);
      const named = new Map(records.map((record) => [record.target, record]));
      expect(named.size).toBe(clients);
      expect(new Set(records.map(({ requestId: id }) => id)).size).toBe(clients);
      for (const id of ids) {
        const expected = leaves(id)
          ? { isCut: true, bytes: 5, status: 200 }
          : { isCut: false, bytes: `${id} content ${id}`.length, address: addressOf(id) };
        expect(named.get(pathOf(id))).toMatchObject(expected);
      }
      expect(errors.text).toBe('');
    },
    60_000,
  );
});
