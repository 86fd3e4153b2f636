/** A failure is logged once: by the framework if that logs it, else in `wsgi.errors`. */
import { request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import compress from '@fastify/compress';
import express, { type ErrorRequestHandler } from 'express';
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { type ToFastifyOptions, toFastify } from '../../bridges/fastify/index.ts';
import { type Application, type ErrorStream, FileWrapper } from '../../src/index.ts';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Sends one chunk and fails. */
const late: Application = async function* (_environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  yield 'begun';
  await delay(5);
  throw new Error('late trouble');
};

/** Fails in content whose length is known, before any of it has left. */
const collected: Application = (_environ, startResponse) => {
  startResponse('200 OK', []);
  let reads = 0;
  return new FileWrapper({
    read() {
      reads += 1;
      if (reads > 1) throw new Error('late trouble');
      return Buffer.from('begun');
    },
    stat: async () => ({ size: 10, isFile: () => true }),
    tell: () => 0,
  });
};

function stream(entries: string[]): ErrorStream {
  return { write: (text) => entries.push(text), writelines: () => {}, flush: () => {} };
}

interface FastifySite {
  readonly app: FastifyInstance;
  readonly port: number;
  /** Lines of pino about the failure. */
  pino(): string[];
  readonly errors: string[];
}

async function fastifySite(
  application: Application,
  { logger = true, mount = {}, ...options }: FastifyServerOptions & { mount?: ToFastifyOptions } = {},
  prepare?: (app: FastifyInstance) => unknown,
): Promise<FastifySite> {
  const lines: string[] = [];
  const output = new PassThrough().on('data', (data) => lines.push(...`${data}`.split('\n')));
  const errors: string[] = [];
  const level = typeof logger === 'object' ? logger : {};
  const app = fastify({ logger: logger === false ? false : { ...level, stream: output }, ...options });
  await prepare?.(app);
  app.register(toFastify(application, { environ: { 'wsgi.errors': stream(errors) }, ...mount }), {
    prefix: '/m',
  });
  await app.listen({ port: 0 });
  closers.push(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  return { app, port, pino: () => lines.filter((line) => line.includes('late trouble')), errors };
}

/** Asks for a response and waits until it has ended, in whatever way. */
async function visit(port: number, path = '/m'): Promise<void> {
  const request = httpRequest({ port, path, agent: false, headers: { 'Accept-Encoding': 'gzip' } }).end();
  await new Promise<void>((resolve) => {
    request.on('error', () => resolve());
    request.on('response', (response) =>
      response
        .resume()
        .on('error', () => {})
        .on('close', resolve),
    );
  });
  await delay(30);
}

describe('a failure after the head, in Fastify', () => {
  it.each<[string, Parameters<typeof fastifySite>, 'pino' | 'wsgi.errors']>([
    ['with pino', [late], 'pino'],
    ['with pino that shows warnings', [late, { logger: { level: 'warn' } }], 'pino'],
    ['with pino that shows no warnings', [late, { logger: { level: 'error' } }], 'wsgi.errors'],
    ['with pino, without request logging', [late, { disableRequestLogging: true }], 'wsgi.errors'],
    ['without a log', [late, { logger: false }], 'wsgi.errors'],
    ['with pino, hijacked', [late, { mount: { hijack: true } }], 'wsgi.errors'],
    ['with pino, before the content has left', [collected], 'pino'],
  ])('is logged once: %s', async (_name, given, place) => {
    const { port, pino, errors } = await fastifySite(...given);
    await visit(port);
    expect({ pino: pino().length, 'wsgi.errors': errors.length }).toEqual({
      pino: 0,
      'wsgi.errors': 0,
      [place]: 1,
    });
    if (place === 'wsgi.errors') expect(errors[0]).toMatch(/^\S+Z GET \/m Error: late trouble\n/);
    else expect(JSON.parse(pino()[0] ?? '')).toMatchObject({ err: { message: 'late trouble' } });
  });

  it('is logged as often as that of a route below compression, which logs it too', async () => {
    const { app, port, pino, errors } = await fastifySite(late, {}, (instance) => {
      instance.register(compress, { threshold: 0 });
      instance.register(async (scope) => {
        scope.get('/route', (_request, reply) => {
          const content = async function* () {
            yield 'begun';
            await delay(5);
            throw new Error('late trouble');
          };
          reply.header('Content-Type', 'text/plain').send(Readable.from(content()));
        });
      });
    });
    await app.ready();
    await visit(port, '/route');
    const ofRoute = pino().length;
    await visit(port);
    expect(ofRoute).toBeGreaterThan(0);
    expect([pino().length, errors.length]).toEqual([2 * ofRoute, 0]);
  });

  it('is logged once if its client leaves while hooks hold the response back', async () => {
    const slow: Application = async (_environ, startResponse) => {
      void startResponse('200 OK', [])('begun');
      await delay(10);
      throw new Error('late trouble');
    };
    const { port, pino, errors } = await fastifySite(slow, {}, (app) => {
      app.addHook('onSend', () => delay(200, undefined));
    });
    const socket = connect(port);
    socket.write('GET /m HTTP/1.1\r\nHost: a\r\n\r\n');
    await delay(100);
    expect([pino().length, errors.length]).toEqual([0, 0]);
    socket.destroy();
    await delay(300);
    expect([pino().length, errors.length]).toEqual([1, 0]);
  });
});

describe('a failure in Express', () => {
  function expressSite(application: Application, prepare?: express.RequestHandler) {
    const errors: string[] = [];
    const heard: unknown[] = [];
    const app = express();
    if (prepare !== undefined) app.use(prepare);
    const options = { fallthrough: true, environ: { 'wsgi.errors': stream(errors) } } as const;
    app.use('/m', toExpress(application, options));
    const handle: ErrorRequestHandler = (error, _request, response, _next) => {
      heard.push(error);
      response.status(500).end();
    };
    app.use(handle);
    const server: Server = app.listen(0);
    closers.push(() => server.close());
    return { port: (server.address() as AddressInfo).port, errors, heard };
  }

  it('is logged in wsgi.errors after the head', async () => {
    const { port, errors, heard } = expressSite(late);
    await visit(port);
    expect([errors.length, heard.length]).toEqual([1, 0]);
  });

  it("is Express's if code of the host refuses the head", async () => {
    const refuse: express.RequestHandler = (_request, response, next) => {
      const { writeHead } = response;
      response.writeHead = () => {
        response.writeHead = writeHead;
        throw new Error('no head');
      };
      next();
    };
    const { port, errors, heard } = expressSite(late, refuse);
    await visit(port);
    expect([errors.length, heard]).toEqual([0, [new Error('no head')]]);
  });

  it("is Express's if the response was not sent, but falls through", async () => {
    const missing: Application = function* (_environ, startResponse) {
      startResponse('404 Not Found', []);
      yield 'begun';
      throw new Error('late trouble');
    };
    const { port, errors, heard } = expressSite(missing);
    await visit(port);
    expect([errors.length, heard]).toEqual([0, [new Error('late trouble')]]);
  });
});
