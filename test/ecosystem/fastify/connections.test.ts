/** Connections to Fastify: pipelining, reuse, half-closing, HTTP/1.0, expectations, trailers. */
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request, type Step, transcript, until } from '../../messages/side-by-side.ts';
import { alike, closeAll, type Place, type PlaceName, serveEverywhere } from './three-servers.ts';

let places: readonly Place[];
const trails: Record<PlaceName, string[]> = { node: [], fromFastify: [], serverFactory: [] };

beforeAll(async () => {
  places = await serveEverywhere((options, name) => {
    const app = fastify(options);
    addRoutes(app, trails[name]);
    return app;
  });
});

afterAll(() => closeAll(places));

function addRoutes(app: FastifyInstance, trail: string[]): void {
  let count = 0;
  app.get('/count', async (req) => {
    count += 1;
    // Programs set properties on a socket: kept for all requests of the connection, and for no others.
    const socket = req.raw.socket as typeof req.raw.socket & { first?: number };
    socket.first ??= count;
    return { count, first: socket.first };
  });
  app.get('/late', async () => {
    await wait(10);
    return 'late';
  });
  app.get('/stream', (_req, reply) => reply.send(Readable.from(['a', 'b', 'c'])));
  app.post('/echo', async (req) => req.body);
  app.post(
    '/unread',
    { preParsing: async (_req, reply) => void (await reply.code(403).send('unread')) },
    async () => '',
  );
  app.addContentTypeParser('x/trailers', (req, payload, done) => {
    payload.resume();
    payload.on('end', () => done(null, { trailers: req.raw.trailers, lines: req.raw.rawTrailers }));
    payload.on('error', done);
  });
  app.get('/halves', async (req, reply) => {
    for (const name of ['aborted', 'close'] as const) req.raw.on(name, () => trail.push(`request ${name}`));
    req.raw.on('error', (error: NodeJS.ErrnoException) => trail.push(`request error ${error.code}`));
    for (const name of ['finish', 'close'] as const) reply.raw.on(name, () => trail.push(`response ${name}`));
    trail.push('begun');
    await new Promise((resolve) => {
      req.raw.on('close', resolve);
      setTimeout(resolve, 500);
    });
    return 'after half';
  });
}

function kept(method: string, path: string, fields: readonly string[] = [], content = ''): string {
  return request(method, path, fields, content).replace('Connection: close\r\n', '');
}

const JSON_TYPE = 'Content-Type: application/json';
const CHUNKED = 'Transfer-Encoding: chunked';
const CASES: readonly (readonly [string, ...Step[]])[] = [
  [
    'a persistent connection',
    kept('GET', '/count'),
    'answer',
    kept('GET', '/count'),
    'answer',
    request('GET', '/count'),
  ],
  [
    'pipelined requests',
    kept('GET', '/count') + kept('GET', '/stream') + kept('HEAD', '/count') + request('GET', '/count'),
  ],
  [
    'content between pipelined requests',
    kept('POST', '/echo', [JSON_TYPE], '{"a":1}') +
      kept('GET', '/count') +
      request('POST', '/echo', [JSON_TYPE], '{"b":2}'),
  ],
  [
    'pipelined requests with a late answer',
    kept('GET', '/late') + kept('GET', '/stream') + request('GET', '/late'),
  ],
  ['unread content', kept('POST', '/unread', [JSON_TYPE], '{"a":1}'), 'answer', request('GET', '/stream')],
  [
    'content for no route',
    kept('POST', '/nowhere', [JSON_TYPE], '{"a":1}'),
    'answer',
    request('GET', '/stream'),
  ],
  [
    'content of a wrong type',
    kept('POST', '/echo', ['Content-Type: x/y'], 'xyz') + request('GET', '/stream'),
  ],
  [
    'chunks and trailers',
    `${request('POST', '/echo', ['Content-Type: x/trailers', CHUNKED, 'Trailer: X-Sum'])}3\r\nabc\r\n0\r\nX-Sum: 3\r\nx-more: 1\r\n\r\n`,
  ],
  [
    'an expectation',
    request('POST', '/echo', [JSON_TYPE, 'Expect: 100-continue', 'Content-Length: 7']),
    'answer',
    '{"a":1}',
  ],
  ['HTTP/1.0', 'GET /count HTTP/1.0\r\n\r\n'],
  ['HTTP/1.0 and a stream', 'GET /stream HTTP/1.0\r\n\r\n'],
  [
    'HTTP/1.0 with keep-alive',
    'GET /count HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    'answer',
    'GET /count HTTP/1.0\r\n\r\n',
  ],
  ['HTTP/1.0 with content', `POST /echo HTTP/1.0\r\n${JSON_TYPE}\r\nContent-Length: 7\r\n\r\n{"a":1}`],
  ['an empty line before the request', `\r\n\r\n${request('GET', '/stream')}`],
  [
    'Keep-Alive',
    request('GET', '/stream').replace('Connection: close', 'Connection: keep-alive'),
    'answer',
    'end',
  ],
  ['a client that closes its half after the answer', request('GET', '/stream'), 'answer', 'end'],
];

describe('a connection to Fastify', () => {
  it.each(CASES)('is served alike: %s', async (_name, ...steps) => {
    expect(await alike(places, steps)).toMatch(/^HTTP\/1\.1 [1-5]/);
  });

  it.each([
    [
      'that is not read',
      request('POST', '/unread', [JSON_TYPE, 'Expect: 100-continue', 'Content-Length: 7']),
    ],
    ['that has already arrived', request('POST', '/echo', [JSON_TYPE, 'Expect: 100-continue'], '{"a":1}')],
  ])('sends no 100 (Continue) for content %s', async (_name, text) => {
    const [node, ...ours] = await Promise.all(
      places.map((place) => transcript(place, text, 'answer', 'end')),
    );
    // node:http sends 100 at once; RFC 9110 §10.1.1 wants it when content is needed and has not arrived.
    expect(node).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 [24]/);
    for (const answer of ours) expect(answer).toBe(node?.slice('HTTP/1.1 100 Continue\r\n\r\n'.length));
  });

  it('reports a client that closes its half', async () => {
    const texts = places.map(async ({ name, port }) => {
      const socket = connect(port, '127.0.0.1');
      socket.write(request('GET', '/halves'));
      await until(() => trails[name].includes('begun'));
      socket.end();
      let text = '';
      for await (const piece of socket) text += piece;
      return text;
    });
    const [text, ...others] = await Promise.all(texts);
    for (const other of others) expect(other).toBe(text);
    const { node, ...ours } = trails;
    await until(() => Object.values(trails).every((trail) => trail.includes('response close')));
    await wait(20);
    for (const trail of Object.values(ours)) expect(trail).toEqual(node);
  });

  it('does not hold up others', async () => {
    const place = places.map(async ({ port }) => {
      const idle = connect(port, '127.0.0.1');
      idle.write('GET /late HTTP/1.1\r\n');
      const texts = await Promise.all(
        Array.from({ length: 20 }, () =>
          transcript({ port, log: [], close: async () => {} }, request('GET', '/late')),
        ),
      );
      idle.destroy();
      return texts;
    });
    const [node, ...ours] = await Promise.all(place);
    for (const texts of ours) expect(texts).toEqual(node);
  });
});
