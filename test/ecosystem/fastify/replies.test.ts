/** Everything that a reply can send, in every way. */
import { createReadStream } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause, request } from '../../messages/side-by-side.ts';
import { alike, closeAll, type Place, type PlaceOptions, serveEverywhere } from './three-servers.ts';

let places: readonly Place[];

beforeAll(async () => {
  places = await serveEverywhere(createApp);
});

afterAll(() => closeAll(places));

/** Payloads by name. */
const PAYLOADS: Record<string, () => unknown> = {
  object: () => ({ a: [1, { b: null }] }),
  array: () => [1, 2],
  number: () => 5,
  boolean: () => false,
  string: () => 'text: ä',
  empty: () => '',
  null: () => null,
  undefined: () => undefined,
  buffer: () => Buffer.from([0, 128, 255]),
  array8: () => new Uint8Array([1, 2, 3]),
  array16: () => new Uint16Array([1, 2]),
  stream: () => Readable.from(['one, ', Buffer.from('two')]),
  slow: () => Readable.from(slowly()),
  nothing: () => Readable.from([]),
  through: () => new PassThrough().end('through'),
  file: () => createReadStream(new URL(import.meta.url), { end: 99 }),
  web: () => webStream(['web, ', 'stream']),
  webEmpty: () => webStream([]),
  response: () => new Response('a response', { status: 202, headers: { 'X-Response': 'yes' } }),
  // undici and node:stream/web declare the same class differently.
  responseStream: () =>
    new Response(webStream(['streamed']) as never, { headers: { 'Content-Type': 'x/y' } }),
  responseEmpty: () => new Response(null, { status: 204 }),
  responseJson: () => Response.json({ a: 1 }, { status: 418 }),
  responseCookies: () => {
    const headers = new Headers();
    for (const cookie of ['a=1', 'b=2']) headers.append('Set-Cookie', cookie);
    return new Response('cookies', { headers });
  },
  date: () => new Date(0),
  function: () => () => 1,
  missing: () => createReadStream('/nowhere/at/all'),
  failing: () => Readable.from(failing(0)),
  failingLater: () => Readable.from(failing(2)),
  failingWeb: () => new ReadableStream({ pull: (controller) => controller.error(new Error('web')) }),
};

async function* slowly(): AsyncGenerator<string> {
  for (const text of ['one, ', 'two, ', 'three']) {
    yield text;
    await pause(3);
  }
}

async function* failing(count: number): AsyncGenerator<string> {
  for (let index = 0; index < count; index += 1) yield 'before';
  await pause(3);
  throw Object.assign(new Error('the stream failed'), { statusCode: 502 });
}

function webStream(texts: readonly string[]): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}

/** Settings of a reply before it sends, by name. */
const SETTINGS: Record<string, (reply: FastifyReply) => unknown> = {
  plain: () => {},
  typed: (reply) => reply.type('text/html').header('X-Mixed-Case', 'kept').code(201),
  sized: (reply) => reply.header('content-length', '3'),
  empty: (reply) => reply.code(204),
  unmodified: (reply) => reply.code(304),
};

async function createApp(options: PlaceOptions): Promise<FastifyInstance> {
  const app = fastify(options);
  for (const [name, make] of Object.entries(PAYLOADS)) {
    for (const [setting, set] of Object.entries(SETTINGS)) {
      app.get(`/${setting}/${name}`, (_req, reply) => {
        set(reply);
        return reply.send(make());
      });
    }
    app.get(`/returned/${name}`, async () => make());
  }
  addHeaders(app);
  addRaw(app);
  return app;
}

function addHeaders(app: FastifyInstance): void {
  app.get('/headers', (_req, reply) => {
    reply
      .headers({ 'X-A': '1', 'x-b': ['2', '3'] })
      .header('X-C', 4)
      .header('x-empty', '')
      .header('x-none', undefined);
    reply
      .header('set-cookie', 'a=1')
      .header('set-cookie', 'b=2')
      .removeHeader('x-b')
      .header('x-utf', 'caf\xe9');
    return reply.send({
      all: reply.getHeaders(),
      has: reply.hasHeader('X-A'),
      code: reply.statusCode,
      sent: reply.sent,
    });
  });
  app.get('/wrong', (_req, reply) => reply.header('x-wrong', 'a\r\nb').send('x'));
  app.get('/redirected', (_req, reply) => reply.redirect('/elsewhere?a=ä'));
  app.get('/moved', (_req, reply) => reply.redirect('https://else.test/', 308));
  app.get('/lost', (_req, reply) => reply.callNotFound());
  app.get('/message', (_req, reply) => {
    reply.raw.statusMessage = 'Own Words';
    return reply.code(299).send('words');
  });
  app.get('/twice', async (_req, reply) => {
    reply.send('first');
    reply.send('second');
    return reply;
  });
  app.get('/early', (_req, reply) => {
    reply.writeEarlyHints({ Link: ['</a.css>; rel=preload', '</b.css>; rel=preload'] });
    return reply.send('late');
  });
  app.get('/elapsed', async (_req, reply) => typeof reply.elapsedTime);
  app.get('/trailers', (_req, reply) => {
    reply.trailer('x-sync', (_reply, payload, done) => done(null, `${typeof payload}`));
    reply.trailer('x-async', async () => 'later');
    reply.trailer('x-failed', async () => Promise.reject(new Error('no trailer')));
    return reply.send('trailed');
  });
  app.get('/trailers/stream', (_req, reply) => {
    reply.trailer('x-sum', async () => '2');
    return reply.send(Readable.from(['one', 'two']));
  });
  app.get('/serialized', (_req, reply) =>
    reply.serializer((value: unknown) => `<${String(value)}>`).send([1]),
  );
}

function addRaw(app: FastifyInstance): void {
  app.get('/hijacked', (_req, reply) => {
    reply.hijack();
    reply.raw.writeHead(207, 'Own', ['X-Raw', '1', 'X-Raw', '2']);
    reply.raw.write('raw ');
    setTimeout(() => reply.raw.end('end'), 3);
  });
  app.get('/raw', async (_req, reply) => {
    reply.header('x-lost', 'yes');
    reply.raw.setHeader('X-Kept', 'yes');
    reply.raw.end('raw');
    return reply;
  });
  app.get('/raw/head', (_req, reply) => {
    reply.raw.setHeader('X-Raw', 'yes');
    return reply.header('x-own', 'yes').send('both');
  });
  app.get('/raw/flushed', async (_req, reply) => {
    reply.raw.flushHeaders();
    await pause(3);
    reply.raw.end('flushed');
    return reply;
  });
  app.get('/events', async (_req, reply) => {
    reply.raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    for (const event of [1, 2, 3]) {
      reply.raw.write(`data: ${event}\n\n`);
      await pause(2);
    }
    reply.raw.end();
    return reply;
  });
  app.get('/raw/processing', (_req, reply) => {
    reply.raw.writeProcessing();
    return reply.send('processed');
  });
  app.get('/raw/closing', (_req, reply) => reply.header('connection', 'close').send('closing'));
  app.get('/raw/undated', (_req, reply) => {
    reply.raw.sendDate = false;
    return reply.send('no Date');
  });
}

const SENT = Object.keys(SETTINGS).flatMap((setting) =>
  Object.keys(PAYLOADS).map((name) => `/${setting}/${name}`),
);
const RETURNED = Object.keys(PAYLOADS).map((name) => `/returned/${name}`);
const OTHERS =
  '/headers /wrong /redirected /moved /lost /message /twice /early /elapsed /trailers /trailers/stream /serialized ' +
  '/hijacked /raw /raw/head /raw/flushed /events /raw/processing /raw/closing /raw/undated';
/** Answers that differ on purpose: they exceed Content-Length or fall short of it (docs/http.md). */
const MISSIZED =
  /^\/sized\/(?:stream|slow|nothing|through|file|web|webEmpty|responseStream|response|failingLater)/;
const PATHS = [...SENT, ...RETURNED, ...OTHERS.split(' ')].filter((path) => !MISSIZED.test(path));
/** Paths to try with HEAD and HTTP/1.0; GET covers the other settings. */
const PLAIN = PATHS.filter((path) => !/^\/(?:typed|sized|empty|unmodified)/.test(path));
const BODILESS = PATHS.filter((path) =>
  /^\/(?:empty|unmodified|sized)\/(?:object|stream|null|buffer)$/.test(path),
);
/** Without /trailers: node sends a length beside chunks to HEAD, which RFC 9112 §6.2 forbids. */
const WITH_HEAD = [...PLAIN, ...BODILESS].filter((path) => path !== '/trailers');
/**
 * Without what HTTP/1.0 forbids and node sends: interim responses (RFC 9110 §15.2) and chunks (RFC 9112 §6.1).
 * Without failures of content that the end of the connection ends: our server resets, so that it does not pass for
 * complete; node closes as if it were.
 */
const WITH_OLD_VERSION = [...PLAIN, ...BODILESS].filter(
  (path) => !/early|processing|trailers|failingLater/.test(path),
);

describe('a reply of Fastify', () => {
  it.each(PATHS)('is the same to %s', async (path) => {
    await alike(places, [request('GET', path)]);
  });

  it.each(WITH_HEAD)('is the same to HEAD %s', async (path) => {
    await alike(places, [request('HEAD', path)]);
  });

  it.each(WITH_OLD_VERSION)('is the same to %s over HTTP/1.0', async (path) => {
    await alike(places, [`GET ${path} HTTP/1.0\r\nHost: example.test\r\n\r\n`]);
  });

  it('closes a persistent connection when it sets Connection: close', async () => {
    const kept = (path: string): string => request('GET', path).replace('Connection: close\r\n', '');
    const text = await alike(places, [kept('/plain/string'), 'answer', kept('/raw/closing'), 'answer']);
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(text).toContain('closing');
  });
});
