/** An Express app on node:http and on the standalone server: the same octets. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createNodeServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fromExpress, toExpress } from '../../../bridges/express/index.ts';
import { toNode } from '../../../bridges/node/index.ts';
import {
  type Listening,
  listen,
  listenNode,
  listenOurs,
  pause,
  request,
  type Step,
  transcript,
} from '../../messages/side-by-side.ts';

let folder: string;
let app: Express;
let node: Listening;
let ours: Listening;

beforeAll(async () => {
  // Express logs errors that it answers with 500.
  vi.spyOn(console, 'error').mockImplementation(() => {});
  folder = await mkdtemp(join(tmpdir(), 'from-express-'));
  await writeFile(join(folder, 'page.html'), '<!doctype html>\n<title>Café</title>\n'.repeat(50));
  await writeFile(join(folder, 'large.bin'), Buffer.alloc(300_000, 'x'));
  await writeFile(join(folder, '.hidden'), 'secret');
  app = createApp(folder);
  node = await listenNode(app);
  ours = await listenOurs(fromExpress(app));
});

afterAll(async () => {
  vi.restoreAllMocks();
  await node.close();
  await ours.close();
  await rm(folder, { recursive: true });
});

function createApp(root: string): Express {
  const app = express();
  // Masked: a stack shows its caller.
  app.set('env', 'production');
  app.use(express.json({ limit: '10kb' }), express.urlencoded({ extended: true }));
  app.use(express.text(), express.raw());
  app.use('/static', express.static(root));
  app.use('/allowed', express.static(root, { dotfiles: 'allow', maxAge: '1d', etag: false }));
  app.get('/text', (_req, res) => void res.send('Grüße'));
  app.get('/buffer', (_req, res) => void res.send(Buffer.from([0, 255, 10])));
  app.get('/json', (_req, res) => void res.json({ a: [1, 'é', null] }));
  app.get('/jsonp', (_req, res) => void res.jsonp({ a: 1 }));
  app.get('/status', (_req, res) => void res.sendStatus(418));
  app.get('/reason', (_req, res) => {
    res.statusMessage = 'Quite fine';
    res.status(299).end();
  });
  app.get('/empty', (_req, res) => void res.end());
  app.get('/none', (_req, res) => void res.status(204).send('ignored'));
  app.get('/redirect', (_req, res) => res.redirect('/text?x=1'));
  app.get('/moved', (_req, res) => res.redirect(301, 'https://example.test/ü'));
  app.get('/cookies', (req, res) => {
    res.cookie('a', 'ä 1', { httpOnly: true, expires: new Date(0) });
    res.cookie('b', { c: 2 }).clearCookie('d');
    res.append('Set-Cookie', 'e=5').send(String(req.headers.cookie));
  });
  app.get('/fields', (req, res) => {
    res.set({ 'X-Number': '5', 'x-lower': 'b', 'X-Latin': 'caf\xe9' });
    res.vary('Accept').links({ next: '/2' }).type('txt').location('/l');
    res.json({ raw: req.rawHeaders, joined: req.headers, distinct: req.headersDistinct });
  });
  app.get('/latin', (_req, res) => void res.set('X-Latin', 'caf\xe9').send(Buffer.from('b')));
  app.get('/facts/:id', (req, res) => {
    const { method, url, originalUrl, baseUrl, path, params, query, hostname, protocol, secure } = req;
    res.json({
      method,
      url,
      originalUrl,
      baseUrl,
      path,
      params,
      query,
      hostname,
      protocol,
      secure,
      ip: req.ip,
    });
  });
  app.all('/echo', (req, res) => {
    const body: unknown = req.body;
    res.json({ type: req.get('content-type') ?? null, body: Buffer.isBuffer(body) ? body.toString() : body });
  });
  app.post('/pipe', (req, res) => void req.pipe(res));
  app.get('/write', (_req, res) => {
    res.write('one');
    res.write(Buffer.from('two'));
    res.end('three');
  });
  app.get('/slowly', async (_req, res) => {
    res.set('Content-Type', 'text/plain');
    for (const piece of ['a', 'b', 'c']) {
      res.write(piece);
      await pause(5);
    }
    res.end();
  });
  app.get('/later', async (_req, res) => {
    await pause(2);
    res.send('later');
  });
  app.get('/head-first', (_req, res) => void res.writeHead(203, { 'X-A': '1' }).end('x'));
  app.get('/flushed', async (_req, res) => {
    res.flushHeaders();
    await pause(5);
    res.end('rest');
  });
  app.get('/stream', (_req, res) => void Readable.from(['x'.repeat(40_000), 'y'.repeat(40_000)]).pipe(res));
  app.get('/file', (_req, res) => res.sendFile('large.bin', { root, lastModified: false }));
  app.get('/file/missing', (_req, res) => res.sendFile('nothing', { root }));
  app.get('/download', (_req, res) => res.download(join(root, 'page.html'), 'naïve €.html'));
  app.get('/throw', () => {
    throw new Error('thrown');
  });
  app.get('/reject', async () => {
    await pause(1);
    throw Object.assign(new Error('rejected'), { status: 409, expose: true });
  });
  app.get('/next', (_req, _res, next) => next(Object.assign(new Error('passed'), { handled: true })));
  app.get('/format', (_req, res) => {
    res.format({ text: () => void res.send('text'), json: () => void res.json({ json: true }) });
  });
  const router = express.Router({ mergeParams: true });
  router.get('/deep', (req, res) => void res.json([req.baseUrl, req.url, req.originalUrl, req.params]));
  app.use('/router/:name', router);
  const sub = express();
  sub.disable('x-powered-by');
  sub.get('/deep', (req, res) => void res.json([req.baseUrl, req.url, req.app.path(), req.app === sub]));
  app.use('/sub', sub, (req, res) => void res.json(['after', req.url, req.app === app]));
  const onError: ErrorRequestHandler = (error, _req, res, next) => {
    if (error.handled === true) res.status(400).json({ handled: error.message });
    else next(error);
  };
  app.use(onError);
  return app;
}

const JSON_TYPE = 'Content-Type: application/json';
const CASES: readonly (readonly [string, ...Step[]])[] = [
  ...'/text /buffer /json /jsonp?callback=f /status /reason /empty /none /redirect /moved /cookies /fields /latin'
    .split(' ')
    .map((path) => [`GET ${path}`, request('GET', path)] as const),
  ...'/write /slowly /later /head-first /flushed /stream /file /file/missing /throw /reject /next /nowhere'
    .split(' ')
    .map((path) => [`GET ${path}`, request('GET', path)] as const),
  ...'/text /json /write /later /head-first /flushed /file /cookies /stream /nowhere /static/page.html'
    .split(' ')
    .map((path) => [`HEAD ${path}`, request('HEAD', path)] as const),
  ...'/static/page.html /static /static/.hidden /static/none /static/../x /allowed/.hidden /allowed/page.html'
    .split(' ')
    .map((path) => [`GET ${path}`, request('GET', path)] as const),
  ['a target with escapes', request('GET', '/facts/a%2Fb%20c?x=1&x=2&y[z]=%E2%82%AC&empty=')],
  ['a target with slashes', request('GET', '//facts//1')],
  ['a broken escape', request('GET', '/facts/%E0%A4%A')],
  [
    'repeated fields',
    request('GET', '/fields', ['X-A: 1', 'x-a: 2', 'Cookie: a=1', 'Cookie: b=2', 'X_U: u']),
  ],
  ['cookies of the client', request('GET', '/cookies', ['Cookie: a=1; b=2'])],
  ['a range', request('GET', '/file', ['Range: bytes=10-19'])],
  ['the last octets', request('GET', '/file', ['Range: bytes=-5'])],
  ['several ranges', request('GET', '/file', ['Range: bytes=0-1,5-6'])],
  ['a range that cannot be', request('GET', '/file', ['Range: bytes=900000-'])],
  ['HEAD with a range', request('HEAD', '/file', ['Range: bytes=10-19'])],
  ['a match of the ETag', request('GET', '/text', ['If-None-Match: W/"7-jWHk1/IQPtTDPqxL/yx49+KXcTI"'])],
  ['any ETag', request('GET', '/file', ['If-None-Match: *'])],
  [
    'a modification date',
    request('GET', '/static/page.html', ['If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT']),
  ],
  ['a failed precondition', request('GET', '/file', ['If-Match: "x"'])],
  ['a download', request('GET', '/download')],
  ['OPTIONS', request('OPTIONS', '/echo')],
  ['OPTIONS of nothing', request('OPTIONS', '/nowhere')],
  ['a refused method', request('DELETE', '/text')],
  ['JSON', request('POST', '/echo', [JSON_TYPE], '{"a":[1,"é"]}')],
  ['broken JSON', request('POST', '/echo', [JSON_TYPE], '{"a":')],
  ['too much JSON', request('POST', '/echo', [JSON_TYPE], `"${'x'.repeat(20_000)}"`)],
  ['JSON in a wrong charset', request('POST', '/echo', [`${JSON_TYPE}; charset=nonsense`], '{}')],
  [
    'a form',
    request('POST', '/echo', ['Content-Type: application/x-www-form-urlencoded'], 'a[b]=1&c=%C3%A9'),
  ],
  ['text', request('PUT', '/echo', ['Content-Type: text/plain'], 'text')],
  ['octets', request('PATCH', '/echo', ['Content-Type: application/octet-stream'], 'raw')],
  ['content that no parser wants', request('POST', '/echo', ['Content-Type: x/y'], 'z')],
  ['content in small pieces', request('POST', '/echo', [JSON_TYPE], '{"a":1}').slice(0, -3), 5, ':1', 5, '}'],
  ['chunked content', chunkedRequest('/echo', ['{"a"', ':1}'])],
  ['piped content', chunkedRequest('/pipe', ['one', 'two']).replace('application/json', 'x/y')],
  ['Accept', request('GET', '/format', ['Accept: application/json'])],
  ['nothing acceptable', request('GET', '/format', ['Accept: image/png'])],
  ['a router', request('GET', '/router/x%20y/deep?q')],
  ['a router of nothing', request('GET', '/router/x/none')],
  ['a sub-app', request('GET', '/sub/deep')],
  ['a route after a sub-app', request('GET', '/sub/none')],
  [
    'a persistent connection',
    `${request('GET', '/text').replace('Connection: close\r\n', '')}${request('GET', '/json')}`,
  ],
  ['HTTP/1.0', 'GET /text HTTP/1.0\r\n\r\n'],
  ['HTTP/1.0, kept', 'GET /text HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /json HTTP/1.0\r\n\r\n'],
  ['HTTP/1.0, streamed', 'GET /slowly HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'],
  ['a 100', 5, request('POST', '/echo', [JSON_TYPE, 'Expect: 100-continue'], '{}').slice(0, -2), 30, '{}'],
];

function chunkedRequest(path: string, chunks: readonly string[]): string {
  const content = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  return `${request('POST', path, [JSON_TYPE, 'Transfer-Encoding: chunked'])}${content}0\r\n\r\n`;
}

describe('fromExpress', () => {
  it.each(CASES)('answers %s as node:http does', async (_name, ...steps) => {
    const expected = await transcript(node, ...steps);
    expect(await transcript(ours, ...steps)).toBe(expected);
    expect(expected).toMatch(/^HTTP\/1\.1 \d{3} /);
  });

  it('decodes content as node:http does', async () => {
    const content = gzipSync('{"zipped":true}');
    const head = request('POST', '/echo', [
      JSON_TYPE,
      'Content-Encoding: gzip',
      `Content-Length: ${content.length}`,
    ]);
    const expected = await transcript(node, head, content);
    expect(expected).toContain('"zipped":true');
    expect(await transcript(ours, head, content)).toBe(expected);
  });

  it('answers with one array at once when the app does', () => {
    const result = callDirectly('/json');
    expect(result.body).toBeInstanceOf(Array);
    expect(result.status).toBe('200 OK');
  });

  it('makes messages with the prototypes that Express sets', async () => {
    const seen: unknown[] = [];
    const local = express();
    const application = fromExpress(local);
    const [requestPrototype, responsePrototype] = [local.request, local.response];
    local.use((req, res) => {
      seen.push(Object.getPrototypeOf(req), Object.getPrototypeOf(res));
      res.end();
    });
    await respond(application);
    local.response = Object.create(responsePrototype);
    await respond(application);
    expect(seen).toEqual([requestPrototype, responsePrototype, requestPrototype, local.response]);
    expect(seen[3]).toBe(local.response);
  });

  it.each(['x', {}, (): void => {}])('refuses a value that is not an app: %j', (value) => {
    expect(() => fromExpress(value as never)).toThrow(TypeError);
  });

  it('leaves the app unchanged', async () => {
    const { request: requestPrototype, response: responsePrototype } = app;
    const before = [Object.keys(requestPrototype), Object.keys(responsePrototype)];
    await transcript(ours, request('GET', '/json'));
    expect([Object.keys(app.request), Object.keys(app.response)]).toEqual(before);
    expect(app.request).toBe(requestPrototype);
  });
});

function callDirectly(target: string): { body: unknown; status: string } {
  let status = '';
  const environ = minimalEnviron(target);
  const body = fromExpress(app)(environ, (given) => {
    status = given;
    return async () => {};
  });
  return { body, status };
}

async function respond(application: ReturnType<typeof fromExpress>): Promise<void> {
  await application(minimalEnviron('/'), () => async () => {});
}

function minimalEnviron(path: string): Parameters<ReturnType<typeof fromExpress>>[0] {
  return {
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '',
    PATH_INFO: path,
    QUERY_STRING: '',
    SERVER_NAME: 'localhost',
    SERVER_PORT: '80',
    SERVER_PROTOCOL: 'HTTP/1.1',
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': 'http',
    'wsgi.input': {} as never,
    'wsgi.errors': { write() {}, writelines() {}, flush() {} },
    'wsgi.multithread': false,
    'wsgi.multiprocess': false,
    'wsgi.run_once': false,
  };
}

function createParent(): Express {
  return express().disable('x-powered-by').set('env', 'production');
}

describe('toExpress(fromExpress(app))', () => {
  const TARGETS = [
    '/x',
    '/x/',
    '/x?q=1',
    '/x/facts/1?a=b',
    '/X/facts/1',
    '/x/router/n/deep',
    '/x/cookies',
    '/x/none',
  ];

  it.each([...TARGETS, '/x//facts/1', '/x/static/page.html', '/x/redirect', '/x/throw'])(
    'answers %s as a mount by app.use does',
    async (target) => {
      const plain = createParent().use('/x', app);
      const round = express()
        .disable('x-powered-by')
        .use('/x', toExpress(fromExpress(app)));
      const [expected, actual] = [await listenNode(plain), await listenNode(round)];
      try {
        const text = await transcript(expected, request('GET', target));
        expect(await transcript(actual, request('GET', target))).toBe(text);
      } finally {
        await Promise.all([expected.close(), actual.close()]);
      }
    },
  );

  it.each(['/caf%C3%A9/facts/1', '/a%20b/facts/%2F'])(
    'keeps the encoding of the mount: %s',
    async (target) => {
      const paths = ['/caf%C3%A9', '/a%20b'];
      const plain = await listenNode(createParent().use(paths, app));
      const round = await listenNode(
        express()
          .disable('x-powered-by')
          .use(paths, toExpress(fromExpress(app))),
      );
      try {
        const text = await transcript(plain, request('GET', target));
        expect(text).toContain('"baseUrl"');
        expect(await transcript(round, request('GET', target))).toBe(text);
      } finally {
        await Promise.all([plain.close(), round.close()]);
      }
    },
  );
});

describe('toNode(fromExpress(app))', () => {
  it('answers node:http as the app alone does', async () => {
    const wrapped = await listen(createNodeServer(toNode(fromExpress(app))));
    try {
      for (const path of ['/json', '/cookies', '/slowly', '/file', '/write', '/reject', '/none']) {
        const expected = await transcript(node, request('GET', path));
        expect(await transcript(wrapped, request('GET', path))).toBe(expected);
      }
    } finally {
      await wrapped.close();
    }
  });
});
