/** A thousand clients at once through a stack of middleware, some of whom leave: nothing is lost, and each has one line in the log. */
import { once } from 'node:events';
import { Agent, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, it, vi } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
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

const CLIENTS = 1000;

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

describe('a stack around an Express app', () => {
  it('loses nothing, and leaves nothing', async () => {
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
    const server = createServer(site, { environ: { 'wsgi.errors': errors } });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true, maxSockets: 100 });

    const ask = async (id: number): Promise<string> => {
      const headers = { 'Content-Type': 'text/plain', 'X-Forwarded-For': `10.0.${id >> 8}.${id & 255}` };
      const request = sendRequest({ port, agent, method: 'POST', path: `/echo/${id}`, headers });
      request.end(`content ${id}`);
      const [response] = await once(request, 'response');
      let text = '';
      for await (const chunk of response) text += chunk;
      return text;
    };
    const leave = async (id: number): Promise<string> => {
      const request = sendRequest({ port, path: `/endless/${id}`, agent: false });
      request.on('error', () => {});
      request.end();
      const [response] = await once(request, 'response');
      response.on('error', () => {});
      const [chunk] = await once(response, 'data');
      request.socket?.resetAndDestroy();
      return `${chunk}`;
    };
    try {
      const ids = Array.from({ length: CLIENTS }, (_, id) => id);
      const texts = await Promise.all(ids.map((id) => (id % 10 === 0 ? leave(id) : ask(id))));
      expect(texts).toEqual(ids.map((id) => (id % 10 === 0 ? 'begun' : `${id} content ${id}`)));
      await vi.waitFor(() => expect(records).toHaveLength(CLIENTS), 5000);
      const named = new Map(records.map((record) => [record.target, record]));
      expect(named.size).toBe(CLIENTS);
      expect(new Set(records.map(({ requestId: id }) => id)).size).toBe(CLIENTS);
      for (const id of ids) {
        const expected =
          id % 10 === 0
            ? { isCut: true, bytes: 5, status: 200 }
            : { isCut: false, bytes: `${id} content ${id}`.length, address: `10.0.${id >> 8}.${id & 255}` };
        expect(named.get(id % 10 === 0 ? `/endless/${id}` : `/echo/${id}`)).toMatchObject(expected);
      }
      expect(errors.text).toBe('');
    } finally {
      agent.destroy();
      await server.shutdown({ timeout: 1000 });
    }
  }, 60_000);
});
