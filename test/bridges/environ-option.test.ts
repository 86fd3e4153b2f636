/** The option `environ` in all hosts: pairs, or a function of the environ that gives them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import express from 'express';
import fastify, { type FastifyPluginAsync } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import type { Application, EnvironOption, EnvironPairs } from '../../src/index.ts';
import { createServer } from '../../src/server/index.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Host {
  readonly name: string;
  /** The key of an object of the host. */
  readonly key: string;
  serve(application: Application, environ: EnvironOption): Promise<Answer>;
}

const running: { close(): unknown }[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

async function ask(server: Pick<HttpServer, 'address' | 'listen' | 'close'>): Promise<Answer> {
  server.listen(0, '127.0.0.1');
  // Every server here is an emitter.
  await once(server as HttpServer, 'listening');
  running.push(server);
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/m/x?y`, { headers: { 'X-Own': 'sent' } });
  return { status: response.status, text: await response.text() };
}

function inFastify(hijack: boolean): Host {
  return {
    name: `toFastify with hijack ${hijack}`,
    key: 'fastify.request',
    async serve(application, environ) {
      const instance = fastify();
      const plugin = toFastify(application, { environ, hijack });
      // Our types do not depend on Fastify's, and so do not match its overloads.
      instance.register(plugin as unknown as FastifyPluginAsync, { prefix: '/m' });
      await instance.ready();
      running.push({ close: () => instance.close() });
      return ask(instance.server);
    },
  };
}

const HOSTS: readonly Host[] = [
  {
    name: 'the server',
    key: 'gateway.socket',
    serve: (application, environ) => ask(createServer(application, { environ })),
  },
  {
    name: 'toNode',
    key: 'node.req',
    serve: (application, environ) => ask(createHttpServer(toNode(application, { environ }))),
  },
  {
    name: 'toNode over HTTP/2',
    key: 'node.req',
    async serve(application, environ) {
      const listener = toNode(application, { environ });
      const server = createHttp2Server((request, response) => listener(request, response));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      running.push(server);
      const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const stream = client.request({ ':path': '/m/x?y', 'x-own': 'sent' });
      const [[headers], content] = await Promise.all([once(stream, 'response'), text(stream)]);
      client.close();
      return { status: headers[':status'], text: content };
    },
  },
  {
    name: 'toExpress',
    key: 'express.req',
    serve: (application, environ) => {
      const app = express();
      app.use('/m', toExpress(application, { environ }));
      app.use(((error, _request, response, _next) => {
        response.status(500).send(String(error));
      }) satisfies express.ErrorRequestHandler);
      return ask(createHttpServer(app));
    },
  },
  inFastify(false),
  inFastify(true),
];

const show: Application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'application/json']]);
  const { REMOTE_USER, HTTP_X_OWN, SERVER_NAME } = environ;
  const keys = Object.keys(environ).filter((key) => environ[key] === undefined);
  return [Buffer.from(JSON.stringify({ REMOTE_USER, HTTP_X_OWN, SERVER_NAME, keys }))];
};

describe.each(HOSTS)('option environ of $name', ({ key, serve }) => {
  it('takes pairs, which win', async () => {
    const pairs = { REMOTE_USER: 'ada', SERVER_NAME: 'outer' };
    expect(JSON.parse((await serve(show, pairs)).text)).toMatchObject(pairs);
  });

  it('leaves out keys whose value is undefined', async () => {
    for (const pairs of [{ HTTP_X_OWN: undefined, REMOTE_USER: undefined }, {}]) {
      const isOut = 'HTTP_X_OWN' in pairs;
      for (const option of [pairs, () => pairs]) {
        const answer = JSON.parse((await serve(show, option)).text);
        expect(answer.HTTP_X_OWN).toBe(isOut ? undefined : 'sent');
        expect(answer.keys).toEqual([]);
      }
    }
  });

  it("takes a function of the complete environ, with the host's objects", async () => {
    const seen: unknown[] = [];
    const answer = await serve(show, (environ) => {
      seen.push(environ.HTTP_X_OWN, typeof environ[key], environ.QUERY_STRING);
      return { REMOTE_USER: `${environ.HTTP_X_OWN} too` };
    });
    expect(seen).toEqual(['sent', 'object', 'y']);
    expect(JSON.parse(answer.text)).toMatchObject({ REMOTE_USER: 'sent too' });
  });

  it('answers 500 if the function throws, and does not run the application', async () => {
    let calls = 0;
    const answer = await serve(
      () => {
        calls += 1;
        return [];
      },
      (environ) => {
        environ['wsgi.errors'] = silent;
        throw new Error('no user');
      },
    );
    expect([answer.status, calls]).toEqual([500, 0]);
  });

  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['a text', () => 'REMOTE_USER=ada'],
    ['a list', () => [['REMOTE_USER', 'ada']]],
    ['a map', () => new Map([['REMOTE_USER', 'ada']])],
    ['a promise', () => Promise.reject(new Error('late'))],
  ])('answers 500 if the function gives %s', async (_name, make) => {
    const answer = await serve(show, (environ) => {
      environ['wsgi.errors'] = silent;
      // Possible in JavaScript.
      return make() as EnvironPairs;
    });
    expect(answer.status).toBe(500);
  });

  it('may give another wsgi.errors, which the gateway uses too', async () => {
    let log = '';
    const write = (line: string): void => {
      log += line;
    };
    const errors = { ...silent, write };
    await serve(
      (environ) => {
        environ['wsgi.errors'].write('said');
        throw new Error('trouble');
      },
      () => ({ 'wsgi.errors': errors }),
    );
    expect(log).toContain('said');
  });
});

const silent = { write() {}, writelines() {}, flush() {} };

it('runCgi takes both forms too', { timeout: 60_000 }, async () => {
  for (const form of ['pairs', 'function', 'throws']) {
    const program = join(import.meta.dirname, 'cgi/environ-program.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', program, form], {
      env: { PATH: process.env.PATH ?? '', REQUEST_METHOD: 'GET', PATH_INFO: '/x', REMOTE_USER: 'of Apache' },
    });
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    if (form === 'throws') {
      expect(output).toContain('Status: 500 ');
      expect(errors).toContain('no user');
    } else expect(output).toMatch(/ada of \/x$/);
  }
});
