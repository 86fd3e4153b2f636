/** An UpstreamError on its way to the client: its status, and its fields, on every host. */
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import express from 'express';
import fastify, { type FastifyPluginAsync } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import { type Application, UpstreamError } from '../../src/index.ts';
import { accessLog, errorPage } from '../../src/middleware/index.ts';
import { createServer } from '../../src/server/index.ts';

const closers: (() => unknown)[] = [];
let log = '';

afterEach(async () => {
  log = '';
  for (const close of closers.splice(0)) await close();
});

const write = (text: string): void => {
  log += text;
};
const environ = { 'wsgi.errors': { write, writelines() {}, flush() {} } };

async function listen(server: Server): Promise<string> {
  closers.push(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const inExpress = (application: Application): RequestListener => {
  const app = express();
  // Express logs errors to the console, but not in this environment.
  app.set('env', 'test');
  return app.use(toExpress(application, { environ }));
};

const HOSTS: Readonly<Record<string, (application: Application) => Promise<string>>> = {
  'the server': (application) => listen(createServer(application, { environ })),
  toNode: (application) => listen(createHttpServer(toNode(application, { environ }))),
  toExpress: (application) => listen(createHttpServer(inExpress(application))),
  toFastify: async (application) => {
    const instance = fastify();
    // Our types do not depend on Fastify's, and so do not match its overloads.
    instance.register(toFastify(application, { environ }) as unknown as FastifyPluginAsync);
    closers.push(() => instance.close());
    return instance.listen({ port: 0, host: '127.0.0.1' });
  },
};

describe.each(Object.entries(HOSTS))('on %s', (name, serve) => {
  it.each([
    ['WSGI_ERR_UPSTREAM_UNAVAILABLE', 502, null],
    ['WSGI_ERR_UPSTREAM_BUSY', 503, '1'],
    ['WSGI_ERR_UPSTREAM_TIMEOUT', 504, null],
  ] as const)('%s is a %i', async (code, status, retryAfter) => {
    const headers = retryAfter === null ? undefined : { 'Retry-After': retryAfter };
    const application: Application = () => {
      throw new UpstreamError(code, 'old.cgi', { headers });
    };
    for (const method of ['GET', 'HEAD']) {
      const response = await fetch(await serve(application), { method });
      expect([response.status, response.headers.get('retry-after')]).toEqual([status, retryAfter]);
    }
    // Express and Fastify log by themselves.
    if (!name.startsWith('to') || name === 'toNode')
      expect(log).toMatch(
        new RegExp(`^(\\S+ (GET|HEAD) / UpstreamError \\[${code}\\]: .*: old\\.cgi\n){2}$`),
      );
  });

  it('middleware for errors and logs tells its status', async () => {
    const statuses: unknown[] = [];
    const application: Application = () => {
      throw new UpstreamError('WSGI_ERR_UPSTREAM_ENDED', 'old.cgi');
    };
    const logged = accessLog({ log: (_line, record) => statuses.push(record.status) });
    const response = await fetch(await serve(logged(errorPage({ show: true })(application))));
    await response.text();
    expect([response.status, statuses]).toEqual([502, [502]]);
  });
});
