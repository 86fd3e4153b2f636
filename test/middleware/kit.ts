/**
 * Applications in every form, and hosts to run them on, for the tests of middleware.
 *
 * Every application of {@link APPLICATIONS} answers `Hello world` as text, whatever it is asked.
 */
import { request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { Headers, runApplication, toApplication } from '../../src/index.ts';
import { createServer } from '../../src/server/index.ts';
import { buildEnviron, MemoryErrors } from '../../src/testing/index.ts';
import type { Application, Environ, HeaderList, StartResponse } from '../../src/wsgi.ts';
import { RecordingSink } from '../support/recording-sink.ts';

export const TEXT: HeaderList = [['Content-Type', 'text/plain']];

const expressApp = express().use((_request, response) => {
  response.type('text/plain').write('Hello ');
  response.end('world');
});
const fastifyApp = fastify();
fastifyApp.all('/*', (_request, reply) => reply.type('text/plain').send('Hello world'));

/** Applications in every form. */
export const APPLICATIONS: Readonly<Record<string, Application>> = {
  'a function': (_environ, startResponse) => {
    startResponse('200 OK', [...TEXT]);
    return ['Hello ', 'world'];
  },
  'an async function': async (_environ, startResponse) => {
    startResponse('200 OK', [...TEXT]);
    return ['Hello ', 'world'];
  },
  'a class': class {
    readonly #start: StartResponse;
    constructor(_environ: Environ, startResponse: StartResponse) {
      this.#start = startResponse;
    }
    *[Symbol.iterator]() {
      this.#start('200 OK', [...TEXT]);
      yield 'Hello ';
      yield 'world';
    }
  },
  'an object': {
    call(_environ: Environ, startResponse: StartResponse) {
      startResponse('200 OK', [...TEXT]);
      return new Set(['Hello ', 'world']);
    },
  },
  'a generator': function* (_environ, startResponse) {
    startResponse('200 OK', [...TEXT]);
    yield '';
    yield 'Hello ';
    yield 'world';
  },
  'an async generator': async function* (_environ, startResponse) {
    startResponse('200 OK', [...TEXT]);
    yield 'Hello ';
    yield 'world';
  },
  'a web stream': (_environ, startResponse) => {
    startResponse('200 OK', [...TEXT]);
    return new Blob(['Hello world']).stream();
  },
  'write()': (_environ, startResponse) => {
    const write = startResponse('200 OK', [...TEXT]);
    void write('Hello ');
    return ['world'];
  },
  'an Express app': fromExpress(expressApp),
  'a Fastify app': fromFastify(fastifyApp),
};

/** A request of a test. */
export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: HeaderList;
  readonly content?: string;
  /** In process only: keys of the environ. */
  readonly environ?: Record<string, unknown>;
}

/** The answer that the client gets, and the log that the operator reads. */
export interface Answer {
  readonly status: string;
  readonly headers: Headers;
  readonly text: string;
  /** Text of wsgi.errors. */
  readonly log: string;
}

/** Asks an application without a socket. Rejects if the response was cut off, or is not as long as declared. */
export async function askInProcess(application: Application, question: Question = {}): Promise<Answer> {
  const { method, path = '/', headers, content, environ: keys } = question;
  const errors = new MemoryErrors();
  const environ = buildEnviron(path, { method, headers, content, errors, environ: keys });
  const sink = new RecordingSink();
  await runApplication(toApplication(application), environ, sink, { closeTimeout: 100 });
  const aborted = sink.events.find(([kind]) => kind === 'abort');
  if (aborted !== undefined) throw new Error('Response was cut off', { cause: aborted[1] });
  const status = sink.head?.status ?? '';
  const sent = withLength(sink);
  const isEmpty = method === 'HEAD' || /^(?:204|304) /.test(status);
  const declared = isEmpty ? '0' : sent.get('Content-Length');
  if (declared !== undefined && Number(declared) !== sink.length)
    throw new Error(`Response has ${sink.length} octets, and declares ${declared}`);
  return { status, headers: sent, text: sink.content, log: errors.text };
}

/** The host adds Content-Length. */
function withLength({ head }: RecordingSink): Headers {
  const headers = new Headers([...(head?.headers ?? [])]);
  if (head?.contentLength !== undefined) headers.setDefault('Content-Length', String(head.contentLength));
  return headers;
}

/** Asks an application on the standalone server. */
export async function askServer(application: Application, question: Question = {}): Promise<Answer> {
  const errors = new MemoryErrors();
  const server = createServer(application, { environ: { 'wsgi.errors': errors }, closeTimeout: 100 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { method = 'GET', path = '/', headers = [], content } = question;
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const lines = headers.flat();
      if (!headers.some(([name]) => name.toLowerCase() === 'host')) lines.unshift('Host', 'localhost');
      if (content !== undefined) lines.push('Content-Length', String(Buffer.byteLength(content)));
      const request = sendRequest({ port, method, path, headers: lines, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (data) => {
          text += data;
        });
        response.on('error', reject).on('end', () => {
          const raw = response.rawHeaders;
          const pairs = raw.flatMap(
            (name, at): HeaderList => (at % 2 === 0 ? [[name, raw[at + 1] ?? '']] : []),
          );
          const status = `${response.statusCode} ${response.statusMessage}`;
          resolve({ status, headers: new Headers(pairs), text, log: errors.text });
        });
      });
      request.on('error', reject).end(content);
    });
  } finally {
    await server.shutdown({ timeout: 1000 });
  }
}

/** The hosts of the tests. */
export const HOSTS = { 'in process': askInProcess, 'on the standalone server': askServer } as const;

/** Every form on every host. */
export const EVERYWHERE: [form: string, host: string, application: Application, ask: typeof askServer][] =
  Object.entries(APPLICATIONS).flatMap(([form, application]) =>
    Object.entries(HOSTS).map(
      ([host, ask]) => [form, host, application, ask] satisfies (typeof EVERYWHERE)[number],
    ),
  );
