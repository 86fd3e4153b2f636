/** What Fastify's own logger (pino), pino-http and prom-client see of requests. */
import fastify from 'fastify';
import { pinoHttp } from 'pino-http';
import { Histogram, Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../bridges/site.ts';
import { closeAll, type Place, type PlaceName, respondAlike, serveEverywhere } from './three-servers.ts';

const lines: Record<PlaceName, string[]> = { node: [], fromFastify: [], serverFactory: [] };
const registries: Record<PlaceName, Registry> = {
  node: new Registry(),
  fromFastify: new Registry(),
  serverFactory: new Registry(),
};
let places: readonly Place[];

beforeAll(async () => {
  places = await serveEverywhere(async (options, name) => {
    const stream = { write: (line: string) => void lines[name].push(line.trimEnd()) };
    const app = fastify({ ...options, logger: { stream, base: null, timestamp: false } });
    const logger = pinoHttp({ base: null, timestamp: false }, stream);
    const seconds = new Histogram({
      name: 'http_seconds',
      help: 'Help',
      labelNames: ['method', 'route', 'code'],
      registers: [registries[name]],
      buckets: [60],
    });
    app.addHook('onRequest', async (request, reply) => logger(request.raw, reply.raw));
    app.addHook('onResponse', async (request, reply) => {
      const labels = {
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        code: reply.statusCode,
      };
      seconds.observe(labels, reply.elapsedTime / 1000);
    });
    app.get('/sent/:id', async (request) => {
      request.log.info('from the handler');
      return 'hello';
    });
    app.post('/json', async (request, reply) => reply.code(201).send(request.body));
    app.get('/broken', async () => {
      throw Object.assign(new Error('broken'), { statusCode: 503 });
    });
    return app;
  });
});

afterAll(() => closeAll(places));

const get = (path: string, method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\nX-B: b\r\n\r\n`;
const post = (content: string): string =>
  `POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${content.length}\r\n\r\n${content}`;

/** Hides what must differ. */
const mask = (line: string): string =>
  line
    .replace(/("remotePort":)\d+/, '$1…')
    .replace(/("responseTime":)[\d.]+/, '$1…')
    .replace(/("stack":")(?:[^"\\]|\\.)*/, '$1…');

describe('the lines and the counts of requests', () => {
  it('are those of node:http', async () => {
    const requests = [
      get('/sent/1'),
      get('/sent/2', 'HEAD'),
      get('/nowhere'),
      get('/broken'),
      post('{"a":1}'),
      post('{'),
    ];
    for (const request of requests) await respondAlike(places, request);
    const isOfRequest = (line: string): boolean => /"(reqId|req)":/.test(line);
    const seen = (name: PlaceName): string[] => lines[name].filter(isOfRequest).map(mask).sort();
    for (const { name } of places) {
      // Fastify's and pino-http's.
      await until(
        () =>
          lines[name].filter((line) => /request (completed|errored)/.test(line)).length >=
          2 * requests.length,
      );
    }
    expect(seen('fromFastify')).toEqual(seen('node'));
    expect(seen('serverFactory')).toEqual(seen('node'));
    const text = seen('node').join('\n');
    for (const part of [
      '"incoming request"',
      '"from the handler"',
      '"request completed"',
      '"url":"/sent/1"',
      '"x-b":"b"',
    ]) {
      expect(text).toContain(part);
    }
    const counts = async (name: PlaceName): Promise<string[]> =>
      (await registries[name].metrics()).split('\n').filter((line) => line.includes('_count'));
    const expected = await counts('node');
    expect(expected).toContain('http_seconds_count{method="GET",route="/sent/:id",code="200"} 1');
    expect(expected).toHaveLength(6);
    expect(await counts('fromFastify')).toEqual(expected);
    expect(await counts('serverFactory')).toEqual(expected);
  });
});
