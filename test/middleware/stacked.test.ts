/**
 * Many clients at once through all middleware, some of whom leave: nothing is lost, each has one line in the log, and each body is
 * closed once.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import {
  Agent,
  createServer as createHttpServer,
  type RequestListener,
  request as sendRequest,
} from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { Server } from 'node:net';
import { gunzipSync } from 'node:zlib';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import {
  type AccessRecord,
  accessLog,
  allowedHosts,
  bufferInput,
  cascade,
  compose,
  compress,
  conditional,
  cors,
  dispatch,
  errorPage,
  head,
  limitBody,
  mapPath,
  methodOverride,
  requestId,
  securityHeaders,
  staticFiles,
  timeout,
  trustedProxy,
  withContext,
  wrapBody,
} from '../../src/middleware/index.ts';
import { createServer } from '../../src/server/index.ts';
import { MemoryErrors } from '../../src/testing/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { atEnd, listen } from '../bridges/site.ts';

const context = new AsyncLocalStorage<string>();

const app = express();
app.post('/echo/:id', express.text(), async (request, response) => {
  response.type('text').write(`${request.params.id} `);
  await new Promise(setImmediate);
  response.end(`${request.body} ${context.getStore()}`);
});
app.get('/endless/:id', (_request, response) => {
  response.write('begun');
});

const missing: Application = (_environ, startResponse) => {
  startResponse('404 Not Found', []);
  return ['no'];
};

/** A request of a client that stays. */
interface Question {
  readonly path: string;
  readonly content: string;
  readonly address: string;
  readonly coding: string;
}

/** Sends requests, and leaves in the middle of answers. */
interface Clients {
  ask(question: Question): Promise<Answer>;
  leave(path: string): Promise<string>;
}

/** Content as it came, and its coding. */
interface Answer {
  readonly content: Buffer;
  readonly coding: unknown;
}

function clientsOf(port: number): Clients {
  const agent = new Agent({ keepAlive: true, maxSockets: 100 });
  atEnd(() => agent.destroy());
  return {
    async ask({ path, content, address, coding }) {
      const headers = { 'Content-Type': 'text/plain', 'X-Forwarded-For': address, 'Accept-Encoding': coding };
      const request = sendRequest({ port, agent, method: 'POST', path, headers });
      request.end(content);
      const [response] = await once(request, 'response');
      return { content: await readAll(response), coding: response.headers['content-encoding'] };
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
    async ask({ path, content, address, coding }) {
      const fields = { 'content-type': 'text/plain', 'x-forwarded-for': address, 'accept-encoding': coding };
      const stream = session.request({ ':method': 'POST', ':path': path, ...fields });
      stream.end(content);
      const [headers] = await once(stream, 'response');
      return { content: await readAll(stream), coding: headers['content-encoding'] };
    },
    async leave(path) {
      const stream = session.request({ ':path': path });
      const [chunk] = await once(stream, 'data');
      stream.close(8);
      return `${chunk}`;
    },
  };
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
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

describe('all middleware around an Express app', () => {
  it.each(Object.entries(HOSTS))(
    'loses nothing, and leaves nothing, on %s',
    async (_name, host) => {
      const records: AccessRecord[] = [];
      let closes = 0;
      const site = compose(
        trustedProxy({ addresses: ['loopback'] }),
        requestId(),
        accessLog({ log: (_line, record) => records.push(record) }),
        allowedHosts(['localhost', '127.0.0.1']),
        errorPage({ show: true }),
        securityHeaders(),
        cors(),
        compress({ threshold: 0 }),
        conditional(),
        timeout(),
        withContext(context, ({ PATH_INFO }) => PATH_INFO),
        methodOverride(),
        head(),
        limitBody(),
        bufferInput(),
        staticFiles('nowhere'),
        mapPath('/nowhere', missing),
        (inner) => dispatch({ '/nowhere': missing }, { default: inner }),
        (inner) => cascade([missing, inner]),
        (inner) => (environ, startResponse) =>
          wrapBody(inner(environ, startResponse), undefined, () => {
            closes += 1;
          }),
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

      /** Octets that each client has received. */
      const received = new Map<number, number>();
      const read = async (id: number): Promise<string> => {
        const asked = id % 2 === 0 ? 'identity' : 'gzip';
        const question = {
          path: pathOf(id),
          content: `content ${id}`,
          address: addressOf(id),
          coding: asked,
        };
        const { content, coding } = await ask(question);
        received.set(id, content.length);
        return String(coding === 'gzip' ? gunzipSync(content) : content);
      };
      const texts = await Promise.all(ids.map((id) => (leaves(id) ? leave(pathOf(id)) : read(id))));
      expect(texts).toEqual(ids.map((id) => (leaves(id) ? 'begun' : `${id} content ${id} /echo/${id}`)));
      await vi.waitFor(() => expect(records).toHaveLength(clients), 5000);
      const named = new Map(records.map((record) => [record.target, record]));
      expect(named.size).toBe(clients);
      expect(new Set(records.map(({ requestId: id }) => id)).size).toBe(clients);
      for (const id of ids) {
        const expected = leaves(id)
          ? { isCut: true, bytes: 5, status: 200 }
          : { isCut: false, bytes: received.get(id), address: addressOf(id) };
        expect(named.get(pathOf(id))).toMatchObject(expected);
      }
      expect(errors.text).toBe('');
      expect(closes).toBe(clients);
    },
    60_000,
  );
});
