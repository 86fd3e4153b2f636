/** Fastify over TLS: by its own `https` option, and by the `tls` option of the standalone server. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import websocket from '@fastify/websocket';
import fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import { fromNode } from '../../../bridges/node/index.ts';
import { createServer, type Server } from '../../../src/server/index.ts';
import { request, withoutDate } from '../../messages/side-by-side.ts';

const folder = new URL('../../support/tls/', import.meta.url);
const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(new URL(name, folder)));
if (key === undefined || cert === undefined) throw new TypeError('No certificate');
const tls = { key, cert };

interface Site {
  readonly port: number;
  close(): Promise<unknown>;
}

const PLACES: Record<string, () => Promise<Site>> = {
  async node() {
    // Fastify's types distinguish servers that Fastify treats alike.
    const app = fastify({ https: tls }) as unknown as FastifyInstance;
    return listening(app);
  },
  async serverFactory() {
    return listening(
      fastify({
        serverFactory: (handler) => createServer(fromNode(handler), { tls, keepAliveTimeout: 72_000 }),
      }),
    );
  },
  async fromFastify() {
    const app = fastify();
    const server = createServer(fromFastify(app), { tls, keepAliveTimeout: 72_000 });
    await addRoutes(app, server);
    await app.ready();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { port: portOf(server), close: () => server.shutdown().then(() => app.close()) };
  },
};

async function listening(app: FastifyInstance): Promise<Site> {
  await addRoutes(app);
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { port: portOf(app.server), close: () => app.close() };
}

async function addRoutes(app: FastifyInstance, server?: Server): Promise<void> {
  await app.register(websocket, server === undefined ? {} : { options: { server } });
  app.get('/facts', async (req) => ({
    protocol: req.protocol,
    host: req.host,
    encrypted: 'encrypted' in req.raw.socket && req.raw.socket.encrypted === true,
    authorized: 'authorized' in req.raw.socket ? req.raw.socket.authorized : null,
  }));
  app.post('/echo', async (req) => req.body);
  app.get('/socket', { websocket: true }, (socket, req) => socket.send(req.protocol));
}

function portOf(server: { address(): ReturnType<Server['address']> }): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function ask(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', ca: cert, checkServerIdentity: () => undefined });
  socket.write(text);
  let answer = '';
  for await (const piece of socket) answer += piece;
  return withoutDate(answer);
}

describe('Fastify over TLS', () => {
  it('knows the scheme and answers alike', async () => {
    const accounts = await Promise.all(
      Object.values(PLACES).map(async (open) => {
        const { port, close } = await open();
        const message = new Promise((resolve, reject) => {
          const socket = new WebSocket(`wss://127.0.0.1:${port}/socket`, { rejectUnauthorized: false });
          socket.on('error', reject);
          socket.on('message', (data) => {
            resolve(String(data));
            socket.terminate();
          });
        });
        const account = [
          await ask(port, request('GET', '/facts')),
          await ask(port, request('HEAD', '/facts')),
          await ask(port, request('POST', '/echo', ['Content-Type: application/json'], '{"a":1}')),
          await message,
        ];
        await close();
        return account;
      }),
    );
    const [node, ...ours] = accounts;
    expect(node?.[0]).toContain('{"protocol":"https","host":"example.test","encrypted":true');
    expect(node?.[3]).toBe('https');
    for (const account of ours) expect(account).toEqual(node);
  });
});
