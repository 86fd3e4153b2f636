/** body-parser, all four kinds: limits, inflation, charsets, malformed content, verification, endless content. */
import { setTimeout as delay } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import bodyParser from 'body-parser';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import type { WireRequest } from '../../bridges/site.ts';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const tell: RequestHandler = (req, res) => {
  const body: unknown = req.body;
  res.json({ body: Buffer.isBuffer(body) ? `buffer ${body.toString('latin1')}` : (body ?? 'undefined') });
};

const program = expressProgram((app, trail) => {
  const verify = (_req: unknown, _res: unknown, content: Buffer, encoding: string): void => {
    if (content.includes('forbidden')) throw Object.assign(new Error('forbidden'), { status: 403 });
    trail.push(`verified ${content.length} ${encoding}`);
  };
  const limit = 1000;
  // The types lack `depth`.
  const nested = { extended: true, limit, depth: 3 };
  app.post('/json', bodyParser.json({ limit, verify }), tell);
  app.post('/loose', bodyParser.json({ strict: false, type: '*/*', reviver: (_key, value) => value }), tell);
  app.post('/form', bodyParser.urlencoded({ extended: false, limit, parameterLimit: 3, verify }), tell);
  app.post('/nested', bodyParser.urlencoded(nested), tell);
  app.post('/text', bodyParser.text({ limit, defaultCharset: 'iso-8859-1', verify }), tell);
  app.post('/raw', bodyParser.raw({ limit, type: () => true, verify }), tell);
  app.post('/flat', bodyParser.raw({ inflate: false, type: () => true }), tell);
  app.post('/all', bodyParser.json(), bodyParser.urlencoded(), bodyParser.text(), bodyParser.raw(), tell);
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    const { type, status, message, expected, length, limit, received, encoding, charset } = error;
    trail.push(
      `${type} ${status} ${message} ${expected} ${length} ${limit} ${received} ${encoding} ${charset}`,
    );
    if (type !== 'request.aborted') res.status(status ?? 500).json({ type });
  };
  app.use(onError);
});

const KINDS = [
  ['/json', 'application/json', '{"a":[1,"é"]}'],
  ['/loose', 'application/json', '"just a string"'],
  ['/form', 'application/x-www-form-urlencoded', 'a=1&a=2&b=%C3%A9'],
  ['/nested', 'application/x-www-form-urlencoded', 'a[b][c]=1&d[]=2&d[]=3'],
  ['/text', 'text/plain', 'text \xe9'],
  ['/raw', 'application/octet-stream', '\x00\xff'],
] as const;

const post = (
  target: string,
  type: string,
  content: string | Uint8Array,
  ...more: [string, string][]
): WireRequest => ({
  method: 'POST',
  target,
  content,
  headers: [['Content-Type', type], ...more],
});

describe('body-parser', () => {
  it.each(KINDS)('reads %s', async (target, type, content) => {
    const octets = Buffer.from(content, 'utf8');
    const { trail, text } = await expectAlike(program, async (visitor) => {
      const { fetch } = visitor;
      await fetch(post(target, type, octets));
      await fetch(post(target, `${type}; charset=utf-8`, octets));
      await fetch(post(target, `${type}; charset="UTF-16"`, Buffer.from(content, 'utf16le')));
      await fetch(post(target, `${type}; charset=x-nonsense`, octets));
      await fetch(post(target, type, ''));
      await fetch({ method: 'POST', target, headers: [['Content-Type', type]] });
      await fetch(post(target, 'x/y', octets));
      await fetch(post('/all', type, octets));
      await fetch(post(target, type, 'x'.repeat(2000)));
      await fetch(post(target, type, '{"a":"forbidden"}'));
      const size = octets.length.toString(16);
      const chunks = `${size}\r\n${octets.toString('latin1')}\r\n0\r\nX-T: t\r\n\r\n`;
      await fetch(post(target, type, Buffer.from(chunks, 'latin1'), ['Transfer-Encoding', 'chunked']));
      const client = visitor.open();
      client.send(
        `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${octets.length}\r\n\r\n`,
      );
      for (const octet of octets) {
        await delay(1);
        client.send(Buffer.of(octet));
      }
      await visitor.read(client);
    });
    expect(text).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(trail.length).toBeGreaterThan(0);
  });

  it.each(['gzip', 'deflate', 'br', 'identity', 'compress'])('inflates %s', async (coding) => {
    const encode = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }[coding] ?? Buffer.from;
    const coded: [string, string] = ['Content-Encoding', coding];
    const { responses } = await expectAlike(program, async ({ fetch }) => {
      for (const [target, type, content] of KINDS) {
        await fetch(post(target, type, encode(Buffer.from(content)), coded));
        await fetch(post(target, type, encode(Buffer.alloc(100_000, '1')), coded));
        await fetch(post(target, type, 'not what it says', coded));
      }
      await fetch(post('/flat', 'x/y', encode(Buffer.from('flat')), coded));
    });
    expect(responses[0]?.statusCode).toBe(coding === 'compress' ? 415 : 200);
    expect(responses[1]?.statusCode).toBe(coding === 'compress' ? 415 : 413);
    expect(responses.at(-1)?.statusCode).toBe(coding === 'identity' ? 200 : 415);
  });

  it('refuses malformed content', async () => {
    const contents = [
      '{"a":',
      '{"a":1}x',
      '"text"',
      'null',
      '[1',
      ' ',
      '\ufeff{}',
      '{"__proto__":{"a":1}}',
      '{]',
    ];
    const { trail } = await expectAlike(program, async ({ fetch }) => {
      for (const content of contents) {
        await fetch(post('/json', 'application/json', content));
        await fetch(post('/loose', 'application/json', content));
      }
      const form = 'application/x-www-form-urlencoded';
      for (const content of ['a=1&b=2&c=3&d=4', 'a=%E0%A4%A', '&&&', '=x', 'a[b[c]=1']) {
        await fetch(post('/form', form, content));
      }
      for (const content of ['a[b][c][d][e][f]=1', '__proto__[a]=1', 'a[]=1&a[5]=2', 'a.b=1']) {
        await fetch(post('/nested', form, content));
      }
    });
    expect(trail.filter((line) => line.startsWith('entity.parse.failed 400')).length).toBeGreaterThan(5);
    expect(trail.some((line) => line.startsWith('parameters.too.many 413'))).toBe(true);
  });

  it.each(KINDS)('reports a client that left during the content: %s', async (target, type) => {
    const { trail } = await expectAlike(program, async (visitor) => {
      const client = visitor.open();
      client.send(
        `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: 100\r\n\r\nhalf`,
      );
      await delay(25);
      client.reset();
      await visitor.seen('request.aborted');
    });
    expect(trail).toEqual(['request.aborted 400 request aborted 100 100 undefined 4 undefined undefined']);
  });

  it('answers once content beyond the limit has arrived', async () => {
    const { responses } = await expectAlike(program, async (visitor) => {
      for (const [target, type] of KINDS) {
        if (target === '/loose') continue;
        const client = visitor.open();
        client.send(
          `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: 5000\r\n\r\n`,
        );
        client.send(Buffer.alloc(2500, 'x'));
        visitor.note(`${await client.isSilent(20)}`);
        client.send(Buffer.alloc(2500, 'x'));
        await visitor.read(client);
        client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
        await visitor.read(client);
      }
    });
    expect(responses.map(({ statusCode }) => statusCode)).toEqual(Array(5).fill([413, 404]).flat());
  });
});
