/** @fastify/compress: packs responses and unpacks requests. */
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { brotliCompressSync, brotliDecompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import compress from '@fastify/compress';
import fastify, { type FastifyPluginAsync } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toFastify } from '../../../bridges/fastify/index.ts';
import type { ApplicationFunction } from '../../../src/wsgi.ts';
import { pause, request } from '../../messages/side-by-side.ts';
import { alike, closeAll, type Place, serveEverywhere } from './three-servers.ts';

const LONG = 'to be compressed, '.repeat(500);
let places: readonly Place[];

beforeAll(async () => {
  places = await serveEverywhere(async (options) => {
    const app = fastify(options);
    await app.register(compress, { threshold: 1024, inflateIfDeflated: true });
    app.get('/long', (_req, reply) => reply.type('text/plain').send(LONG));
    app.get('/short', (_req, reply) => reply.type('text/plain').send('short'));
    app.get('/json', async () => ({ list: Array.from({ length: 500 }, (_, index) => index) }));
    app.get('/buffer', (_req, reply) => reply.type('text/plain').send(Buffer.from(LONG)));
    app.get('/picture', (_req, reply) => reply.type('image/png').send(Buffer.from(LONG)));
    app.get('/stream', (_req, reply) => reply.type('text/plain').send(Readable.from([LONG, LONG])));
    app.get('/slow', (_req, reply) => reply.type('text/plain').send(Readable.from(slowly())));
    app.get('/packed', (_req, reply) => {
      return reply.type('text/plain').header('content-encoding', 'gzip').send(gzipSync(LONG));
    });
    app.get('/deflated', (_req, reply) => reply.type('text/plain').send(Readable.from([gzipSync(LONG)])));
    app.get('/asked', (_req, reply) => reply.type('text/plain').compress(Readable.from([LONG])));
    app.get('/varied', (_req, reply) => reply.type('text/plain').header('vary', 'origin').send(LONG));
    app.get('/off', { compress: false }, (_req, reply) => reply.type('text/plain').send(LONG));
    app.get('/empty', (_req, reply) => reply.code(204).send());
    app.get('/thrown', () => {
      throw new Error(LONG);
    });
    app.post('/echo', async (req) => req.body);
    app.post('/raw', { decompress: false }, async (req) => req.body);
    return app;
  });
});

async function* slowly(): AsyncGenerator<string> {
  yield LONG;
  await pause(5);
  yield LONG;
}

afterAll(() => closeAll(places));

it('sends the head that an application flushes, though nothing is there to compress yet', async () => {
  const app = fastify();
  await app.register(compress, { threshold: 0 });
  let write = async (_data: string): Promise<void> => {};
  const flushing: ApplicationFunction = async (_environ, startResponse) => {
    write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
    await write('');
    return new Promise(() => {});
  };
  // Our types do not depend on Fastify's, and so do not match its overloads.
  app.register(toFastify(flushing) as unknown as FastifyPluginAsync);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ port, host: '127.0.0.1', headers: { 'accept-encoding': 'gzip' } }, resolve).on('error', reject);
  });
  expect(response.headers['content-encoding']).toBe('gzip');
  response.destroy();
  await app.close();
});

const GZIP = 'Accept-Encoding: gzip';
const PATHS =
  '/long /short /json /buffer /picture /stream /packed /deflated /asked /varied /off /empty /thrown';
const ENCODINGS = [
  'gzip',
  'br',
  'deflate',
  'gzip;q=0.5, br;q=0.4',
  '*',
  'identity',
  'unknown',
  'gzip, identity;q=0',
];
const JSON_TYPE = 'Content-Type: application/json';
const DOCUMENT = JSON.stringify({ text: LONG });
const CASES: readonly (readonly [string, string])[] = [
  ...PATHS.split(' ').map((path) => [`gzip of ${path}`, request('GET', path, [GZIP])] as const),
  ...PATHS.split(' ').map((path) => [`${path} as it is`, request('GET', path)] as const),
  ...ENCODINGS.map((value) => [value, request('GET', '/long', [`Accept-Encoding: ${value}`])] as const),
  ['no transformation', request('GET', '/long', [GZIP, 'X-No-Compression: 1'])],
  ['the head of a string', request('HEAD', '/long', [GZIP])],
  ['the head of a stream', request('HEAD', '/stream', [GZIP])],
  ['a stream over HTTP/1.0', `GET /stream HTTP/1.0\r\n${GZIP}\r\n\r\n`],
  ['an unknown coding', request('POST', '/echo', [JSON_TYPE, 'Content-Encoding: unknown'], 'x')],
  ['content that is not packed', request('POST', '/echo', [JSON_TYPE, 'Content-Encoding: gzip'], '{"a":1}')],
];

/** Packs the same document with each encoding. */
const PACKERS = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync } as const;

function packed(encoding: keyof typeof PACKERS, path: string): Buffer {
  const content = PACKERS[encoding](DOCUMENT);
  const fields = [JSON_TYPE, `Content-Encoding: ${encoding}`, `Content-Length: ${content.length}`];
  return Buffer.concat([Buffer.from(request('POST', path, fields)), content]);
}

describe('@fastify/compress', () => {
  it.each(CASES)('answers alike: %s', async (_name, text) => {
    expect(await alike(places, [text])).toMatch(/^HTTP\/1\.1 [245]/);
  });

  it.each(['/slow', '/stream'])('packs a stream that unpacks to the original: %s', async (path) => {
    const text = await alike(places, [request('GET', path, [GZIP])], (whole) => {
      // Chunk boundaries depend on time.
      const { head, content } = splitContent(whole);
      return head + gunzipSync(content);
    });
    expect(text).toMatch(/transfer-encoding: chunked/i);
    expect(text.endsWith(`${LONG}${LONG}`)).toBe(true);
  });

  it('packs with brotli', async () => {
    const text = await alike(places, [request('GET', '/long', ['Accept-Encoding: br'])], (whole) => {
      const { head, content } = splitContent(whole);
      return head + brotliDecompressSync(content);
    });
    expect(text).toMatch(/content-encoding: br/);
    expect(text.endsWith(LONG)).toBe(true);
  });

  it.each(['gzip', 'br', 'deflate'] as const)('unpacks content in %s', async (encoding) => {
    expect(await alike(places, [packed(encoding, '/echo')])).toContain('to be compressed');
    expect(await alike(places, [packed(encoding, '/raw')])).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('unpacks content that arrives octet by octet', async () => {
    const whole = packed('gzip', '/echo');
    const cuts = [whole.length - 20, whole.length - 10, whole.length - 1];
    const steps = cuts.flatMap((cut, index) => [whole.subarray(cuts[index - 1] ?? 0, cut), 3]);
    const text = await alike(places, [...steps, whole.subarray(-1)]);
    expect(text).toContain('to be compressed');
  });

  it('unpacks chunked content', async () => {
    const content = gzipSync(DOCUMENT);
    const fields = [JSON_TYPE, 'Content-Encoding: gzip', 'Transfer-Encoding: chunked'];
    const chunks = [content.subarray(0, 20), content.subarray(20)].flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ]);
    const steps = [request('POST', '/echo', fields), Buffer.concat(chunks), '0\r\n\r\n'];
    expect(await alike(places, steps)).toContain('to be compressed');
  });
});

/** Splits a chunked response with joined chunks into head and content. */
function splitContent(text: string): { head: string; content: Buffer } {
  const start = text.indexOf('[chunks] ') + '[chunks] '.length;
  const end = text.lastIndexOf('0\r\n\r\n');
  return { head: text.slice(0, start), content: Buffer.from(text.slice(start, end), 'latin1') };
}
