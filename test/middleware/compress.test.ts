import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import * as zlib from 'node:zlib';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import { FileWrapper } from '../../src/index.ts';
import { type CompressOptions, compress, conditional } from '../../src/middleware/index.ts';
import type { Application, Body, HeaderList, StartResponse } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { askInProcess, EVERYWHERE } from './kit.ts';
import { askOctets, listen, type OctetAnswer, portOf } from './octets.ts';

const LONG = 'Hello world. '.repeat(400);
const HUGE = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('');

const answering =
  (
    headers: HeaderList,
    body: (startResponse?: StartResponse) => Body = () => [LONG],
    status = '200 OK',
  ): Application =>
  (_environ, startResponse) => {
    startResponse(status, [['Content-Type', 'text/plain'], ...headers]);
    return body();
  };

/** Asks for a coding. */
function get(application: Application, coding = 'gzip', method = 'GET') {
  return askOctets(application, { method, headers: { 'Accept-Encoding': coding } });
}

/** Fields but for the date. */
function fieldsOf({ headers: { date: _date, ...fields } }: OctetAnswer) {
  return fields;
}

/** Gives the first content that arrives, decoded. */
async function firstText(port: number, coding: string | null): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { 'Accept-Encoding': 'gzip' } });
  expect(response.headers.get('Content-Encoding')).toBe(coding);
  const reader = response.body?.getReader();
  const text = new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  return text;
}

const gzip = (options: CompressOptions = {}) => compress({ codings: ['gzip'], ...options });

describe('compress', () => {
  it.each([
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
    ['deflate', inflateSync],
    ...('zstdDecompressSync' in zlib ? [['zstd', zlib.zstdDecompressSync] as const] : []),
  ] as [string, (octets: Uint8Array) => Buffer][])(
    'codes arrays and streams by %s',
    async (coding, decode) => {
      const layer = compress({ codings: [coding] });
      for (const [body, text] of [
        [() => [LONG], LONG],
        [() => [HUGE], HUGE],
        [() => new Set([LONG, '', HUGE]), LONG + HUGE],
        [() => new Blob([HUGE]).stream(), HUGE],
      ] as [() => Body, string][]) {
        const { headers, octets } = await get(layer(answering([], body)), coding);
        expect(headers['content-encoding']).toBe(coding);
        expect(headers.vary).toBe('Accept-Encoding');
        expect(decode(octets).toString()).toBe(text);
      }
    },
  );

  it('answers a small array at once, with its length', async () => {
    const { done, sink } = record(gzip()(answering([])), {
      rawHeaders: ['Host', 'a', 'Accept-Encoding', 'gzip'],
    });
    expect(done).toBeUndefined();
    expect(sink.head?.contentLength).toBeLessThan(200);
  });

  it.each([
    ['gzip, br', 'br'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['*', 'br'],
    ['*;q=0.1, br;q=0', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP ; Q=1.000', 'gzip'],
    ['gzip;q=0.3, identity;q=0', 'gzip'],
    ['gzip, identity', 'gzip'],
    ['gzip;q=0.5, identity', undefined],
    ['identity;q=0', undefined],
    ['gzip;q=2, compress', undefined],
    ['gzip;q=0', undefined],
    ['*;q=0', undefined],
    ['', undefined],
  ])('Accept-Encoding %s: %s', async (field, coding) => {
    const { headers, octets } = await get(compress({ codings: ['br', 'gzip'] })(answering([])), field);
    expect(headers['content-encoding']).toBe(coding);
    expect(headers.vary).toBe('Accept-Encoding');
    if (coding === undefined) expect(octets.toString()).toBe(LONG);
  });

  it('offers no deflate unless it is asked to', async () => {
    expect((await get(compress()(answering([])), 'deflate')).headers['content-encoding']).toBeUndefined();
  });

  it('changes the fields that were of the content', async () => {
    const application = answering([
      ['Content-Length', String(LONG.length)],
      ['ETag', '"a"'],
      ['Accept-Ranges', 'bytes'],
      ['Vary', 'Origin'],
    ]);
    const { headers } = await get(gzip()(application));
    expect(headers.etag).toBe('W/"a"');
    expect(headers.vary).toBe('Origin, Accept-Encoding');
    expect(headers['accept-ranges']).toBeUndefined();
    expect(Number(headers['content-length'])).toBeLessThan(200);
  });

  it.each([
    ['short content', answering([], () => ['x'.repeat(1023)])],
    ['a short stream', answering([['Content-Length', '5']], () => new Set(['Hello']))],
    ['coded content', answering([['Content-Encoding', 'br']])],
    ['no-transform', answering([['Cache-Control', 'public, no-transform']])],
    ['Content-Range', answering([['Content-Range', 'bytes 0-1/5200']])],
    ['206', answering([], undefined, '206 Partial Content')],
    ['204', answering([], () => [], '204 No Content')],
    ['304', answering([], () => [], '304 Not Modified')],
  ])('leaves %s alone', async (_what, application) => {
    const coded = await get(gzip()(application));
    const plain = await get(application);
    expect(fieldsOf(coded)).toEqual(fieldsOf(plain));
  });

  it('leaves other types alone, and asks a filter', async () => {
    const image: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'image/png']]);
      return [LONG];
    };
    expect((await get(gzip()(image))).headers['content-encoding']).toBeUndefined();
    const all = await get(gzip({ filter: (type) => type === 'image/png' })(image));
    expect(all.headers['content-encoding']).toBe('gzip');
  });

  it.each([
    ['a small array', () => [LONG]],
    ['a large array', () => [HUGE]],
    ['a stream', () => new Set([LONG])],
  ])('HEAD has the head of GET: %s', async (_what, body) => {
    const application = gzip()(answering([['ETag', '"a"']], body));
    const [asGet, asHead] = [await get(application), await get(application, 'gzip', 'HEAD')];
    const { 'transfer-encoding': _framing, ...fields } = fieldsOf(asGet);
    expect(fieldsOf(asHead)).toMatchObject(fields);
    expect(asHead.octets).toHaveLength(0);
  });

  it('HEAD without content has no length that is wrong', async () => {
    const empty = await get(gzip()(answering([['Content-Length', '5200']], () => [])), 'gzip', 'HEAD');
    expect([empty.headers['content-encoding'], empty.headers['content-length']]).toEqual(['gzip', undefined]);
  });

  it('a client that has the coded response gets a 304 with its weak ETag', async () => {
    const application = gzip()(conditional()(answering([['ETag', '"a"']])));
    const headers = [['If-None-Match', 'W/"a"']] as HeaderList;
    const answer = await askInProcess(application, { headers });
    expect([answer.status, answer.headers.get('ETag')]).toEqual(['304 Not Modified', 'W/"a"']);
    expect(answer.headers.get('Vary')).toBe('Accept-Encoding');
  });

  it.each([[['If-None-Match', '"a"']], [['If-Modified-Since', 'Tue, 01 Dec 2026 00:00:00 GMT']]] as const)(
    'a 304 has the Vary of the 200: %j',
    async (field) => {
      const fields: HeaderList = [
        ['ETag', '"a"'],
        ['Last-Modified', 'Mon, 30 Nov 2026 00:00:00 GMT'],
      ];
      const answer = await askInProcess(gzip()(conditional()(answering(fields))), { headers: [[...field]] });
      expect([answer.status, answer.headers.get('ETag')]).toEqual(['304 Not Modified', '"a"']);
      expect(answer.headers.get('Vary')).toBe('Accept-Encoding');
    },
  );

  it('compresses what is written', async () => {
    const application = gzip()(async (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
      await write('one ');
      void write('two ');
      void write('three ');
      return ['four'];
    });
    const { octets } = await get(application);
    expect(gunzipSync(octets).toString()).toBe('one two three four');
    const ignoring = gzip()((_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
      void write(LONG);
      return [HUGE];
    });
    expect(gunzipSync((await get(ignoring)).octets).toString()).toBe(LONG + HUGE);
  });

  it('goes on after a write that the gateway refuses', { timeout: 2000 }, async () => {
    const writing: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
      await write('refused').catch(() => {});
      return new Set(['yielded']);
    };
    const refusing: Application = (environ, startResponse) =>
      gzip()(writing)(environ, (...call) => {
        startResponse(...call);
        return () => Promise.reject(new Error('refused'));
      });
    const { done, sink } = record(refusing, { rawHeaders: ['Host', 'a', 'Accept-Encoding', 'gzip'] });
    await done;
    expect(sink.events.at(-1)).toEqual(['end', '']);
  });

  it('lets each written chunk out', async () => {
    const server = await listen(
      gzip()(async (_environ, startResponse) => {
        const write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
        await write('event');
        return new Promise<never>(() => {});
      }),
    );
    expect(await firstText(portOf(server), 'gzip')).toBe('event');
    server.closeAllConnections();
    await server.shutdown({ timeout: 1000 });
  });

  it('short content is cut off, and surplus is told, as without it', async () => {
    const late = (length: number) =>
      gzip()(answering([['Content-Length', String(length)]], () => new Set([LONG])));
    const headers = [['Accept-Encoding', 'gzip']] as HeaderList;
    await expect(askInProcess(late(LONG.length + 1), { headers })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('1 octets are missing') },
    });
    const surplus = await askInProcess(late(2000), { headers });
    expect(surplus.log).toContain('2000');
  });

  it('an error page in the place of what was held back comes whole', async () => {
    const application = gzip()(async function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      yield '';
      startResponse('500 Oops', [['Content-Type', 'text/plain']], new Error('x'));
      yield 'sorry';
    });
    const { octets, status } = await get(application);
    expect([status, gunzipSync(octets).toString()]).toEqual([500, 'sorry']);
  });

  it('a file that is compressed is closed, and one that is not keeps its length', async () => {
    const close = vi.fn();
    const file = (text: string) => {
      const blocks = [text, ''];
      return {
        read: () => Buffer.from(blocks.shift() ?? ''),
        stat: () => ({ size: text.length }),
        tell: () => 0,
        close,
      };
    };
    const coded = await get(gzip()(answering([], () => new FileWrapper(file(LONG)))));
    expect(gunzipSync(coded.octets).toString()).toBe(LONG);
    expect(close).toHaveBeenCalledTimes(1);
    const image: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'image/png']]);
      return new FileWrapper(file(LONG));
    };
    expect((await get(gzip()(image))).headers['content-length']).toBe(String(LONG.length));
  });

  it.each(EVERYWHERE)('around %s, %s', async (_form, _host, application, ask) => {
    const plain = await ask(gzip()(application));
    expect([plain.status, plain.text, plain.log]).toEqual(['200 OK', 'Hello world', '']);
    const coded = await ask(gzip({ threshold: 0 })(application), { headers: [['Accept-Encoding', 'gzip']] });
    expect([coded.status, coded.headers.get('Content-Encoding'), coded.log]).toEqual(['200 OK', 'gzip', '']);
  });

  const instance = fastify();
  instance.get('/', (_request, reply) => reply.type('text/plain').send(HUGE));
  it.each([
    [
      'an Express app',
      fromExpress(express().get('/', (_request, response) => void response.type('text').send(HUGE))),
    ],
    ['a Fastify app', fromFastify(instance)],
    [
      'a node:http listener',
      fromNode((_request, response) => {
        response.setHeader('Content-Type', 'text/plain');
        new PassThrough()
          .on('error', () => {})
          .end(HUGE)
          .pipe(response);
      }),
    ],
  ])('around %s with much content', async (_what, application) => {
    for (const coding of ['gzip', 'br']) {
      const { octets } = await get(compress({ codings: [coding] })(application), coding);
      const decode = coding === 'br' ? brotliDecompressSync : gunzipSync;
      expect(decode(octets).toString()).toBe(HUGE);
    }
  });

  it.each([
    ['text/event-stream', null],
    ['application/x-ndjson', 'gzip'],
  ])('an event of %s arrives at once', async (type, coding) => {
    const closed = vi.fn();
    const application: Application = async function* (_environ, startResponse) {
      try {
        startResponse('200 OK', [['Content-Type', type]]);
        yield 'first\n';
        await new Promise((resolve) => setTimeout(resolve, 2 ** 30).unref());
      } finally {
        closed();
      }
    };
    const server = await listen(gzip()(application));
    expect(await firstText(portOf(server), coding)).toBe('first\n');
    server.closeAllConnections();
    await server.shutdown({ timeout: 1000 });
  });

  it('closes the compressor and the inner body when the client leaves', async () => {
    const closed: string[] = [];
    const made = vi.spyOn(process.getBuiltinModule('node:zlib'), 'createGzip');
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return {
        async *[Symbol.asyncIterator]() {
          for (let index = 0; ; index += 1) {
            yield `${Math.random()}`.repeat(100);
            if (index % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          }
        },
        close: () => closed.push('closed'),
      };
    };
    const server = await listen(gzip()(application));
    const port = portOf(server);
    for (let count = 0; count < 20; count += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
      await once(socket, 'data');
      socket.destroy();
    }
    await vi.waitFor(() => expect(closed).toHaveLength(20), 5000);
    expect(made.mock.results).toHaveLength(20);
    for (const { value } of made.mock.results) expect(value.destroyed).toBe(true);
    made.mockRestore();
    await server.shutdown({ timeout: 1000 });
  });

  it('checks its options', () => {
    expect(() => compress({ codings: ['rot13'] })).toThrow(
      'Option codings must be "br", "zstd", "gzip" or "deflate", not "rot13"',
    );
    expect(() => compress({ level: 10 })).toThrow(RangeError);
    const { getBuiltinModule } = process;
    try {
      Object.assign(process, { getBuiltinModule: undefined });
      expect(() => compress()).toThrow(
        'compress() needs the module node:zlib, which this runtime does not have',
      );
    } finally {
      Object.assign(process, { getBuiltinModule });
    }
  });
});
