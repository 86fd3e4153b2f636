/** Content that a parser of the host read before the application. */
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import express, { type RequestHandler } from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { encodeForm } from '../../bridges/_node/form-encoding.ts';
import { toExpress } from '../../bridges/express/to-express.ts';
import { toFastify } from '../../bridges/fastify/to-fastify.ts';
import { toNode } from '../../bridges/node/to-node.ts';
import type { HeaderList } from '../../src/wsgi.ts';
import { atEnd, listen, report, reported, siteOf, type WireRequest } from './site.ts';

async function post(
  parsers: RequestHandler[],
  type: string,
  content: string | Buffer,
  headers: HeaderList = [],
) {
  const app = express();
  for (const parser of parsers) app.use(parser);
  app.use(toExpress(report));
  app.use(((error, _req, res, _next) => {
    res.status(500).json({ code: error.code, message: error.message });
  }) as express.ErrorRequestHandler);
  const site = await listen(createServer(app));
  const response = await site.fetch({
    method: 'POST',
    headers: [['Content-Type', type], ...headers],
    content,
  });
  return reported(response);
}

const CHUNKED: HeaderList = [['Transfer-Encoding', 'chunked']];

function inChunks(content: string): string {
  return `${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n`;
}

/** Reads everything and keeps nothing. */
const swallow: RequestHandler = (req, _res, next) => {
  req.resume().once('end', () => next());
};

/** Reads some octets and continues before the end of the content was reported. */
function takeAway(count?: number): RequestHandler {
  return (req, _res, next) => {
    req.once('readable', () => {
      req.read(count);
      next();
    });
  };
}

describe('content that was read in part', () => {
  it('is an error instead of the rest', async () => {
    const error = { code: 'WSGI_ERR_BODY_CONSUMED' };
    expect(await post([takeAway(2)], 'text/plain', 'content')).toMatchObject(error);
    expect(await post([takeAway()], 'text/plain', 'content')).toMatchObject(error);
  });

  it('is an error in chunks too, if no more octets wait', async () => {
    const error = { code: 'WSGI_ERR_BODY_CONSUMED' };
    expect(await post([takeAway()], 'text/plain', inChunks('content'), CHUNKED)).toMatchObject(error);
  });

  it.each([
    ['with a length', 'content', []],
    ['in chunks', inChunks('content'), CHUNKED],
  ])('is complete if it was put back, %s', async (_how, content, headers) => {
    const peek: RequestHandler = (req, _res, next) => {
      req.once('readable', () => {
        req.unshift(req.read(2));
        next();
      });
    };
    expect(await post([peek], 'text/plain', content, headers)).toMatchObject({ content: 'content' });
  });
});

describe('content that Express has parsed', () => {
  it('becomes JSON again', async () => {
    const environ = await post([express.json()], 'application/json; charset=utf-8', '{ "a": [1, "é"] }');
    expect(environ).toMatchObject({ content: '{"a":[1,"\xc3\xa9"]}', CONTENT_LENGTH: '14' });
    expect(await post([express.json()], 'application/json', '{}')).toMatchObject({ content: '{}' });
  });

  it('becomes JSON again for any value', async () => {
    const lenient = [express.json({ strict: false })];
    expect(await post(lenient, 'application/json', ' null')).toMatchObject({ content: 'null' });
    expect(await post(lenient, 'application/json', '"text"')).toMatchObject({ content: '"text"' });
    expect(await post(lenient, 'application/json', '7')).toMatchObject({ content: '7' });
    const vendor = [express.json({ type: 'application/vnd.api+json' })];
    expect(await post(vendor, 'application/vnd.api+json', '{"a":1}')).toMatchObject({ content: '{"a":1}' });
  });

  it('has a length and no transfer coding if it was chunked', async () => {
    const environ = await post([express.json()], 'application/json', inChunks('{"a": 1}'), CHUNKED);
    expect(environ).toMatchObject({ content: '{"a":1}', CONTENT_LENGTH: '7' });
    expect(environ).not.toHaveProperty('HTTP_TRANSFER_ENCODING');
  });

  it('keeps octets and text', async () => {
    const octets = Buffer.from([0, 255, 128]);
    expect(await post([express.raw({ type: '*/*' })], 'a/b', octets)).toMatchObject({
      content: '\x00\xff\x80',
      CONTENT_LENGTH: '3',
    });
    expect(await post([express.text()], 'text/plain', 'caf\u00e9')).toMatchObject({ content: 'caf\xc3\xa9' });
    const latin1 = Buffer.from('caf\u00e9', 'latin1');
    expect(await post([express.text()], 'text/plain; charset=iso-8859-1', latin1)).toMatchObject({
      content: 'caf\xe9',
    });
    const utf16 = Buffer.from('ab', 'utf16le');
    expect(await post([express.text()], 'text/plain; charset="UTF-16LE"', utf16)).toMatchObject({
      content: 'a\0b\0',
    });
    expect(
      await post([express.text({ type: 'application/json' })], 'application/json', ' [1]'),
    ).toMatchObject({
      content: ' [1]',
    });
  });

  it.each([
    'a=1&b=2',
    'a=1&a=2&a=3',
    'a[]=1&a[]=2',
    'a%5B%5D=1&a%5B%5D=2',
    'a[]=1',
    'a[b][]=1&a[b][]=2&a[c]=x+y%26',
    'a%5Bb%5D%5Bc%5D=1',
    'a[0][b]=1&a[0][c]=2&a[1][b]=3',
    'empty=&caf%C3%A9=%E4%BD%A0',
  ])('becomes the form %s again', async (form) => {
    const type = 'application/x-www-form-urlencoded';
    const environ = await post([express.urlencoded({ extended: true })], type, form);
    expect(environ).toMatchObject({ content: form, CONTENT_LENGTH: `${form.length}` });
  });

  it('becomes a form of the same meaning if its spelling is unknown', async () => {
    const type = 'application/x-www-form-urlencoded';
    const environ = await post(
      [express.urlencoded({ extended: true })],
      type,
      inChunks('a[]=%31&b=1'),
      CHUNKED,
    );
    expect(environ).toMatchObject({ content: 'a%5B%5D=1&b=1', CONTENT_LENGTH: '13' });
  });

  it('is not announced as coded after it was decoded', async () => {
    const json = gzipSync('{"a": 1}');
    const coding: HeaderList = [['Content-Encoding', 'gzip']];
    const environ = await post([express.json()], 'application/json', json, coding);
    expect(environ).toMatchObject({ content: '{"a":1}', CONTENT_LENGTH: '7' });
    expect(environ).not.toHaveProperty('HTTP_CONTENT_ENCODING');
    const raw = await post([express.raw({ type: '*/*' })], 'a/b', json, coding);
    expect(raw).toMatchObject({ content: '{"a": 1}', CONTENT_LENGTH: '8' });
    expect(raw).not.toHaveProperty('HTTP_CONTENT_ENCODING');
  });

  it('is taken from rawBody before anything else', async () => {
    const keep: RequestHandler = express.json({
      verify: (req, _res, octets) => {
        Object.assign(req, { rawBody: octets });
      },
    });
    expect(await post([keep], 'application/json', '{ "a" : 1 }')).toMatchObject({ content: '{ "a" : 1 }' });
  });

  it('is read from the stream if the parser did nothing', async () => {
    const parsers = [express.json(), express.urlencoded({ extended: true })];
    expect(await post(parsers, 'text/csv', 'a;b')).toMatchObject({ content: 'a;b' });
    const emptyBody: RequestHandler = (req, _res, next) => {
      req.body = {};
      next();
    };
    expect(await post([emptyBody], 'application/json', '[1]')).toMatchObject({ content: '[1]' });
  });

  it('is empty if it was empty', async () => {
    expect(await post([express.json()], 'application/json', '')).toMatchObject({
      content: '',
      CONTENT_LENGTH: '0',
    });
    const app = express().use(swallow, toExpress(report));
    const site = await listen(createServer(app));
    const environ = reported(await site.fetch('/'));
    expect(environ).toMatchObject({ content: '' });
    expect(environ).not.toHaveProperty('CONTENT_LENGTH');
  });
});

describe('content that is lost', () => {
  const multipart = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n';
  const likeMulter: RequestHandler = (req, res, next) => {
    swallow(req, res, () => {
      req.body = { a: '1' };
      next();
    });
  };

  it.each([
    ['multipart/form-data; boundary=b', likeMulter, /multipart\/form-data was read by .*multer/],
    ['application/json', swallow, /JSON parser/],
    ['application/x-www-form-urlencoded', swallow, /form parser/],
    ['application/xml', likeMulter, /application\/xml was read by a body parser/],
    ['text/plain; charset=shift_jis', express.text(), /cannot be encoded again/],
  ] as const)('is an error at once: %s', async (type, parser, message) => {
    const { code, message: text } = await post([parser], type, multipart);
    expect(code).toBe('WSGI_ERR_BODY_CONSUMED');
    expect(text).toMatch(message);
  });

  it('is no error if the application does not read it', async () => {
    const app = express().use(likeMulter);
    app.use(
      toExpress((environ, startResponse) => {
        startResponse('200 OK', []);
        return [`${environ.CONTENT_LENGTH}`];
      }),
    );
    const request: WireRequest = {
      method: 'POST',
      headers: [['Content-Type', 'multipart/form-data; boundary=b']],
    };
    const response = await (await listen(createServer(app))).fetch({ ...request, content: multipart });
    expect(response.content.toString()).toBe(`${multipart.length}`);
  });

  it('is an error if something reads it while the application runs', async () => {
    const app = express().use((req, _res, next) => {
      next();
      req.resume();
    });
    app.use(
      toExpress(async (environ) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await environ['wsgi.input'].read();
        return [];
      }),
    );
    app.use(((error, _req, res, _next) => {
      res.status(500).json({ code: error.code });
    }) as express.ErrorRequestHandler);
    const site = await listen(createServer(app));
    const { code } = reported(await site.fetch({ method: 'POST', content: 'lost' }));
    expect(code).toBe('WSGI_ERR_BODY_CONSUMED');
  });
});

describe('content of a request of node', () => {
  it('is taken from rawBody, as cloud functions set it', async () => {
    const listener = toNode(report);
    const server = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => listener(Object.assign(req, { rawBody: Buffer.concat(chunks) }), res));
    });
    const environ = reported(await (await listen(server)).fetch({ method: 'POST', content: 'raw' }));
    expect(environ).toMatchObject({ content: 'raw', CONTENT_LENGTH: '3' });
  });
});

describe('content in Fastify', () => {
  async function send(app: FastifyInstance, headers: HeaderList, content: string | Buffer) {
    await app.listen({ port: 0, host: '127.0.0.1' });
    atEnd(() => app.close());
    return reported(await siteOf(app.server).fetch({ method: 'POST', target: '/x', headers, content }));
  }

  it('is not parsed, even if the scopes around the mount have parsers', async () => {
    const app = fastify({ bodyLimit: 4 });
    app.addContentTypeParser('application/yaml', { parseAs: 'string' }, (_request, _body, done) =>
      done(null, 'parsed'),
    );
    app.register(toFastify(report), { prefix: '/x' });
    app.post('/json', async (request) => request.body);
    expect(
      (
        await app.inject({
          method: 'POST',
          url: '/json',
          payload: '[1]',
          headers: { 'content-type': 'application/json' },
        })
      ).json(),
    ).toEqual([1]);
    for (const type of [
      'application/json',
      'application/yaml',
      'text/plain',
      'multipart/form-data; boundary=b',
      'no type',
    ]) {
      const { body } = await app.inject({
        method: 'POST',
        url: '/x',
        payload: '{ broken',
        headers: { 'content-type': type },
      });
      expect(JSON.parse(body)).toMatchObject({ content: '{ broken', CONTENT_TYPE: type });
    }
    expect(await send(app, [['Content-Type', 'application/json']], '{ broken')).toMatchObject({
      content: '{ broken',
    });
  });

  it('is taken decoded if a hook decoded it', async () => {
    const app = fastify();
    app.addHook('preParsing', async (_request, _reply, payload) => {
      const { createGunzip } = await import('node:zlib');
      return payload.pipe(createGunzip());
    });
    app.register(toFastify(report), { prefix: '/x' });
    const environ = await send(app, [['Content-Encoding', 'gzip']], gzipSync('decoded'));
    expect(environ).toMatchObject({ content: 'decoded', HTTP_TRANSFER_ENCODING: 'chunked' });
    expect(environ).not.toHaveProperty('CONTENT_LENGTH');
    expect(environ).not.toHaveProperty('HTTP_CONTENT_ENCODING');
  });

  it('is an error of the decoder if decoding fails', async () => {
    const app = fastify();
    app.addHook('preParsing', async (_request, _reply, payload) => {
      const { createGunzip } = await import('node:zlib');
      return payload.pipe(createGunzip());
    });
    app.register(toFastify(report), { prefix: '/x' });
    expect(await send(app, [], 'no gzip')).toMatchObject({ code: 'Z_DATA_ERROR' });
  });

  it('is taken from rawBody if a hook consumed it', async () => {
    const app = fastify();
    app.addHook('onRequest', async (request) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request.raw.iterator({ destroyOnReturn: false })) chunks.push(chunk);
      Object.assign(request, { rawBody: Buffer.concat(chunks) });
    });
    app.register(toFastify(report), { prefix: '/x' });
    expect(await send(app, [], 'kept')).toMatchObject({ content: 'kept', CONTENT_LENGTH: '4' });
  });
});

describe('encodeForm', () => {
  it('numbers lists of objects, and gives null and undefined empty values', () => {
    expect(encodeForm({ a: [{ b: '1' }, { b: '2' }], c: null, d: undefined, e: {}, f: [] })).toBe(
      'a%5B0%5D%5Bb%5D=1&a%5B1%5D%5Bb%5D=2&c=&d=',
    );
  });

  it('chooses the spelling that has the declared length', () => {
    expect(encodeForm({ a: ['1', '2'] })).toBe('a=1&a=2');
    expect(encodeForm({ a: ['1', '2'] }, 'a[]=1&a[]=2'.length)).toBe('a[]=1&a[]=2');
    expect(encodeForm({ a: ['1', '2'] }, 99)).toBe('a=1&a=2');
  });
});
