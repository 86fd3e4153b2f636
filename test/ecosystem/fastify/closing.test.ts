/** Closing an app that is served by `fromFastify`: the server is separate and closes by itself. */
import fastify, { type FastifyServerOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import { type Server, serve } from '../../../src/server/index.ts';
import { request, transcript, until } from '../../messages/side-by-side.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.shutdown({ timeout: 0 });
});

async function open(options: FastifyServerOptions = {}) {
  const app = fastify(options);
  const trail: string[] = [];
  let letGo = (): void => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  app.get('/', async () => 'here');
  app.get('/slow', async () => {
    trail.push('begun');
    await gate;
    trail.push('answered');
    return 'slow';
  });
  app.addHook('onClose', async () => void trail.push('onClose'));
  const server = await serve(fromFastify(app), { port: 0 });
  servers.push(server);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const get = (path: string): Promise<string> =>
    transcript(
      { port, log: [], close: async () => {} },
      request('GET', path).replace('close', 'keep-alive'),
      'answer',
      'end',
    );
  return { app, server, trail, letGo, get };
}

describe('an app that is served by fromFastify', () => {
  it('works until its server has closed', async () => {
    const { app, server, trail, letGo, get } = await open();
    const slow = get('/slow');
    await until(() => trail.includes('begun'));
    const ended = server.shutdown().then(() => app.close());
    letGo();
    expect(await slow).toMatch(/^HTTP\/1\.1 200 [\s\S]*slow$/);
    await ended;
    expect(trail).toEqual(['begun', 'answered', 'onClose']);
  });

  it('refuses new requests after close() and finishes running ones', async () => {
    const { app, server, trail, letGo, get } = await open();
    const slow = get('/slow');
    await until(() => trail.includes('begun'));
    await app.close();
    expect(server.listening).toBe(true);
    expect(await get('/')).toMatch(/^HTTP\/1\.1 503 [\s\S]*Connection: close/);
    letGo();
    expect(await slow).toMatch(/^HTTP\/1\.1 200 [\s\S]*slow$/);
    expect(trail).toEqual(['begun', 'onClose', 'answered']);
  });

  it('serves on with return503OnClosing: false, and closes connections', async () => {
    const { app, get } = await open({ return503OnClosing: false });
    expect(await get('/')).toMatch(/^HTTP\/1\.1 200 [\s\S]*Connection: keep-alive/);
    await app.close();
    expect(await get('/')).toMatch(/^HTTP\/1\.1 200 [\s\S]*Connection: close[\s\S]*here$/);
  });

  it('leaves its time-outs and limits to the server', async () => {
    const { server, get } = await open({
      keepAliveTimeout: 1234,
      requestTimeout: 4321,
      connectionTimeout: 99,
    });
    expect([server.keepAliveTimeout, server.requestTimeout, server.timeout]).toEqual([5000, 300_000, 0]);
    expect(await get('/')).toContain('Keep-Alive: timeout=5\r\n');
  });
});
