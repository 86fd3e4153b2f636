/** @fastify/reply-from: a proxy to a real upstream, over node:http and over undici. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import replyFrom from '@fastify/reply-from';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Listening, listen, pause, request, transcript } from '../../messages/side-by-side.ts';
import {
  alike,
  closeAll,
  type Place,
  type PlaceOptions,
  respondAlike,
  serveEverywhere,
} from './three-servers.ts';

/** A port without a listener, which no test uses. */
const CLOSED_PORT = 1;
const KINDS = ['undici', 'http'] as const;
type Kind = (typeof KINDS)[number];
let upstream: Listening;
let breaking: Listening;
const proxies = new Map<Kind, readonly Place[]>();

beforeAll(async () => {
  upstream = await listen(createServer((req, res) => void answer(req, res).catch(() => res.destroy())));
  breaking = await listen(
    createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this'));
    }),
  );
  for (const kind of KINDS) proxies.set(kind, await serveEverywhere((options) => createProxy(kind, options)));
});

afterAll(async () => {
  for (const places of proxies.values()) await closeAll(places);
  await upstream.close();
  await breaking.close();
});

async function createProxy(kind: Kind, options: PlaceOptions): Promise<FastifyInstance> {
  const app = fastify(options);
  // Passes content on without parsing it.
  app.addContentTypeParser('application/octet-stream', (_req, payload, done) => done(null, payload));
  const settings = kind === 'http' ? { http: {} } : { undici: {} };
  await app.register(async (scope) => {
    await scope.register(replyFrom, { base: `http://127.0.0.1:${upstream.port}`, ...settings });
    scope.all('/up/*', (req, reply) => reply.from(req.url.slice('/up'.length)));
    scope.get('/rewritten', (_req, reply) => {
      return reply.from('/facts?rewritten=1', {
        rewriteRequestHeaders: (_raw, headers) => ({ ...headers, 'x-added': 'yes' }),
        rewriteHeaders: (headers) => ({ ...headers, 'x-back': 'too' }),
        queryString: { replaced: '2' },
      });
    });
    scope.get('/answered', (_req, reply) => {
      return reply.from('/facts', {
        // Replies are typed for every kind of server.
        onResponse: (_request, sent) => void (sent as unknown as FastifyReply).send({ own: true }),
      });
    });
  });
  // Without a base: with one, the plugin allows no other upstream.
  await app.register(async (scope) => {
    await scope.register(replyFrom, settings);
    scope.get('/broken', (_req, reply) => reply.from(`http://127.0.0.1:${breaking.port}/`));
    scope.get('/refused', (_req, reply) => reply.from(`http://127.0.0.1:${CLOSED_PORT}/`));
    scope.get('/handled', (_req, reply) => {
      return reply.from(`http://127.0.0.1:${CLOSED_PORT}/`, {
        onError: (sent) => void sent.code(599).send({ handled: true }),
      });
    });
  });
  await app.register(async (scope) => {
    const timeout = 150;
    const impatient =
      kind === 'http' ? { http: { requestOptions: { timeout } } } : { undici: { headersTimeout: timeout } };
    await scope.register(replyFrom, { base: `http://127.0.0.1:${upstream.port}`, ...impatient });
    scope.get('/late', (_req, reply) => reply.from('/late'));
  });
  return app;
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = req.url ?? '';
  res.setHeader('X-Upstream', 'yes');
  if (url.startsWith('/stream')) {
    res.setHeader('Trailer', 'x-sum');
    for (const piece of ['one, ', 'two, ', 'three']) {
      res.write(piece);
      await pause(3);
    }
    res.addTrailers({ 'x-sum': '3' });
    res.end();
  } else if (url.startsWith('/big')) {
    res.end(Buffer.alloc(500_000, 'b'));
  } else if (url.startsWith('/cookies')) {
    res.setHeader('Set-Cookie', ['a=1', 'b=2']).end('cookies');
  } else if (url.startsWith('/empty')) {
    res.writeHead(204).end();
  } else if (url.startsWith('/same')) {
    res.writeHead(304, { ETag: '"x"' }).end();
  } else if (url.startsWith('/gone')) {
    res.writeHead(302, { Location: '/elsewhere' }).end();
  } else if (url.startsWith('/late')) {
    setTimeout(() => res.end('too late'), 5000).unref();
  } else if (url.startsWith('/length')) {
    let length = 0;
    for await (const piece of req) length += piece.length;
    res.end(`${length} octets`);
  } else {
    const pieces: Buffer[] = [];
    for await (const piece of req) pieces.push(piece);
    const { host: _port, ...headers } = req.headers;
    const content = Buffer.concat(pieces);
    res.setHeader('Content-Type', 'application/json');
    res.end(
      JSON.stringify({
        method: req.method,
        url,
        headers,
        length: content.length,
        start: `${content.subarray(0, 20)}`,
      }),
    );
  }
}

const JSON_TYPE = 'Content-Type: application/json';
const OCTETS = 'Content-Type: application/octet-stream';
const CASES: readonly (readonly [string, string, string])[] = [
  ['request properties', request('GET', '/up/facts?a=1&b=%20', ['X-One: 1', 'Accept: */*']), '200'],
  ['HEAD', request('HEAD', '/up/facts'), '200'],
  ['DELETE', request('DELETE', '/up/facts'), '200'],
  ['JSON', request('POST', '/up/echo', [JSON_TYPE], '{"a":{"b":[1,2]}}'), '200'],
  ['octets', request('PUT', '/up/echo', [OCTETS], 'raw octets'), '200'],
  ['a lot of octets', request('POST', '/up/echo', [OCTETS], 'x'.repeat(300_000)), '200'],
  ['a stream', request('GET', '/up/stream'), '200'],
  ['half a megabyte', request('GET', '/up/big'), '200'],
  ['several cookies', request('GET', '/up/cookies'), '200'],
  ['nothing', request('GET', '/up/empty'), '204'],
  ['an unmodified resource', request('GET', '/up/same', ['If-None-Match: "x"']), '304'],
  ['a redirect', request('GET', '/up/gone'), '302'],
  ['headers that are rewritten', request('GET', '/rewritten'), '200'],
  ['an answer of its own', request('GET', '/answered'), '200'],
  ['an unreachable upstream', request('GET', '/refused'), '500'],
  ['an unreachable upstream with an error handler', request('GET', '/handled'), '599'],
  ['an upstream that takes too long', request('GET', '/late'), '504'],
  ['HTTP/1.0', 'GET /up/big HTTP/1.0\r\nConnection: close\r\n\r\n', '200'],
];

/** Ports differ in every run. */
function withoutPorts(text: string): string {
  return text.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:…');
}

describe.each(KINDS)('@fastify/reply-from by %s', (kind) => {
  it.each(CASES)('answers alike: %s', async (_name, text, status) => {
    const places = proxies.get(kind) ?? [];
    // The proxy passes on its upstream's keep-alive; both servers agree only if the client wants that too.
    const kept = text.replace('Connection: close', 'Connection: keep-alive');
    expect((await respondAlike(places, kept, { mask: withoutPorts })).slice(9, 12)).toBe(status);
  });

  it('passes on chunked content', async () => {
    // Not compared: undici sends a length instead of chunks if all content has arrived.
    const head = request('POST', '/up/length', [OCTETS, 'Transfer-Encoding: chunked']);
    const text = await respondAlike(proxies.get(kind) ?? [], head.replace('close', 'keep-alive'), {
      mask: withoutPorts,
      rest: '4\r\nfour\r\n0\r\n\r\n',
    });
    expect(text).toContain('4 octets');
  });

  it('closes the connection for a client that asked for it, even if the upstream keeps its own', async () => {
    // RFC 9112 §9.6; node:http keeps the connection, because the proxy passes on `connection: keep-alive`.
    for (const place of (proxies.get(kind) ?? []).slice(1)) {
      expect(await transcript(place, request('GET', '/up/cookies')), place.name).toMatch(
        /\r\nconnection: close\r\n/,
      );
    }
  });

  it('breaks off when its upstream does', async () => {
    const text = await alike(proxies.get(kind) ?? [], [request('GET', '/broken')], withoutPorts);
    expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*only this$/);
  });
});
