/** Behind `trust proxy` and `trustProxy` a mount takes scheme, host and address from what the framework decided. */
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { requestUri } from '../../src/index.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';
import { serve as serveExpress } from './express/express-site.ts';
import { serve as serveFastify } from './fastify/fastify-site.ts';
import type { Site } from './site.ts';

const show: Application = (environ, startResponse) => {
  const { SERVER_NAME, SERVER_PORT, HTTP_HOST, HTTPS, REMOTE_ADDR, REMOTE_PORT } = environ;
  startResponse('200 OK', []);
  return [
    JSON.stringify({
      SERVER_NAME,
      SERVER_PORT,
      HTTP_HOST,
      HTTPS,
      REMOTE_ADDR,
      hasPort: REMOTE_PORT !== undefined,
      scheme: environ['wsgi.url_scheme'],
      forwarded: environ.HTTP_X_FORWARDED_HOST,
      uri: requestUri(environ),
      lines: environ['gateway.raw_headers']?.includes('site.test'),
    }),
  ];
};

const HOSTS: Readonly<Record<string, (trust: boolean, application?: Application) => Promise<Site>>> = {
  toExpress: (trust, application = show) =>
    serveExpress(express().set('trust proxy', trust).use('/m', toExpress(application))),
  'toExpress in a nested app': (trust, application = show) =>
    serveExpress(
      express()
        .set('trust proxy', trust)
        .use('/m', express().use(toExpress(application))),
    ),
  toFastify: async (trust, application = show) => {
    const instance = fastify({ trustProxy: trust });
    instance.register(toFastify(application) as never, { prefix: '/m' });
    return serveFastify(instance);
  },
  'toFastify with hijack': async (trust, application = show) => {
    const instance = fastify({ trustProxy: trust });
    instance.register(toFastify(application, { hijack: true }) as never, { prefix: '/m' });
    return serveFastify(instance);
  },
};

const FORWARDED: HeaderList = [
  ['X-Forwarded-For', '203.0.113.9'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Host', 'public.test'],
];

describe.each(Object.entries(HOSTS))('%s', (_name, host) => {
  const ask = async (trust: boolean, headers: HeaderList): Promise<unknown> =>
    JSON.parse((await (await host(trust)).fetch({ target: '/m/x', headers })).content.toString());

  it('takes them from the framework', async () => {
    expect(await ask(true, FORWARDED)).toEqual({
      SERVER_NAME: 'public.test',
      SERVER_PORT: '443',
      HTTP_HOST: 'public.test',
      HTTPS: 'on',
      REMOTE_ADDR: '203.0.113.9',
      hasPort: false,
      scheme: 'https',
      forwarded: 'public.test',
      uri: 'https://public.test/m/x',
      lines: true,
    });
  });

  it('takes a port from the host, and keeps what was not forwarded', async () => {
    expect(await ask(true, [['X-Forwarded-Host', 'public.test:8443']])).toMatchObject({
      SERVER_NAME: 'public.test',
      SERVER_PORT: '8443',
      scheme: 'http',
      hasPort: true,
      REMOTE_ADDR: '127.0.0.1',
    });
    expect(await ask(true, [['X-Forwarded-Proto', 'https']])).toMatchObject({
      SERVER_NAME: '127.0.0.1',
      HTTP_HOST: 'site.test',
      HTTPS: 'on',
      uri: 'https://site.test/m/x',
    });
  });

  it('keeps a foreign host out of names and URLs', async () => {
    const seen = await ask(true, [['X-Forwarded-Host', 'user@evil.test/?']]);
    expect(seen).toMatchObject({ SERVER_NAME: '127.0.0.1' });
    expect(seen).toHaveProperty('uri', expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/m\/x$/));
  });

  it('does not believe it by default', async () => {
    expect(await ask(false, FORWARDED)).toMatchObject({
      SERVER_NAME: '127.0.0.1',
      HTTP_HOST: 'site.test',
      scheme: 'http',
      REMOTE_ADDR: '127.0.0.1',
      hasPort: true,
      forwarded: 'public.test',
    });
  });

  it('lets a wrapped app see the same', async () => {
    const inner = express().get('/x', (req, res) => void res.json([req.protocol, req.host, req.ip]));
    const site = await host(true, fromExpress(inner));
    const response = await site.fetch({ target: '/m/x', headers: FORWARDED });
    expect(JSON.parse(response.content.toString())).toEqual(['https', 'public.test', '203.0.113.9']);
  });
});
