/** Express's response methods: types, redirects, cookies, files, downloads, formats, links, ETags. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express, { type Express, type Response } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireRequest } from '../../bridges/site.ts';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'responses-'));
  await writeFile(join(root, 'data.csv'), 'a;b\n'.repeat(100));
  await writeFile(join(root, '.env'), 'secret');
});
afterAll(() => rm(root, { recursive: true }));

/** Answers by path. */
const ANSWERS: Readonly<Record<string, (res: Response) => unknown>> = {
  text: (res) => res.send('Grüße €'),
  empty: (res) => res.send(''),
  nothing: (res) => res.send(),
  nil: (res) => res.send(null),
  yes: (res) => res.send(true),
  number: (res) => res.send(42),
  object: (res) => res.send({ a: 1 }),
  buffer: (res) => res.send(Buffer.from([1, 2, 3])),
  view: (res) => res.send(new Uint8Array([4, 5, 6])),
  typed: (res) => res.type('application/x-a').send(Buffer.from('typed')),
  charset: (res) => res.type('text/plain; charset=latin1').send('Gr\xfc\xdfe'),
  json: (res) => res.json({ a: '<é\u2028>', b: undefined, c: new Date(0) }),
  'json/nil': (res) => res.json(null),
  'json/text': (res) => res.json('text'),
  jsonp: (res) => res.jsonp({ a: '\u2028' }),
  status: (res) => res.sendStatus(299),
  teapot: (res) => res.sendStatus(418),
  reset: (res) => res.status(205).send('gone'),
  '204': (res) => res.status(204).set('Content-Type', 'text/a').send('gone'),
  '304': (res) => res.status(304).set('ETag', '"x"').send('gone'),
  reason: (res) => {
    res.statusMessage = 'Wholly "fine"';
    return res.status(200).end();
  },
  redirect: (res) => res.redirect('/a b?c=ü'),
  'redirect/back': (res) => res.redirect(303, '..'),
  'redirect/out': (res) => res.redirect(308, 'https://example.test/<script>'),
  location: (res) => res.location('//x/ä').status(201).end('made'),
  cookies: (res) => {
    res.cookie('a', 'ä;,', { maxAge: -1, httpOnly: true, secure: true, priority: 'high', partitioned: true });
    res.cookie('j', { x: [1] }, { sameSite: 'none', encode: (value) => value.replaceAll('"', "'") });
    res
      .cookie('d', '1', { domain: '.a.test', path: '/x', expires: new Date(0) })
      .clearCookie('c', { path: '/x' });
    return res.append('Set-Cookie', ['e=1', 'f=2']).end();
  },
  headers: (res) => {
    res
      .set({ 'X-Number': '1', 'x-list': ['a', 'b'], 'X-Empty': '' })
      .append('X-List', 'c')
      .append('Warning', 'w');
    res.vary('A').vary('B, a').vary('C, D').links({ next: '/2', last: '/9' }).links({ prev: '/0' });
    res.attachment('ä "q".txt').removeHeader('X-Empty');
    return res.json([res.get('x-number'), res.getHeaderNames(), res.getHeaders(), res.hasHeader('WARNING')]);
  },
  latin: (res) => res.set('X-Latin', 'caf\xe9').send('é'),
  download: (res) => res.download(join(root, 'data.csv'), 'naïve €.csv', { headers: { 'X-D': 'd' } }),
  'download/plain': (res) => res.download('data.csv', 'plain.csv', { root, maxAge: '1h' }),
  'download/missing': (res) => res.download('missing.csv', 'm.csv', { root }),
  file: (res) =>
    res.sendFile('data.csv', { root, etag: false, immutable: true, maxAge: 5000, cacheControl: true }),
  'file/dot': (res) => res.sendFile('.env', { root }),
  'file/out': (res) => res.sendFile('../x', { root }),
  'file/folder': (res) => res.sendFile('.', { root }),
  'file/called': (res) =>
    res.sendFile('missing', { root }, (error) =>
      res.status(404).json([Reflect.get(error ?? {}, 'code'), res.headersSent]),
    ),
  'file/after': (res) => res.type('x/y').set('Cache-Control', 'private').sendFile('data.csv', { root }),
  format: (res) =>
    res.format({
      'text/plain': () => res.send('plain'),
      html: () => res.send('<p>'),
      json: () => res.json({ json: true }),
    }),
  'format/default': (res) =>
    res.format({ 'image/png': () => res.send('png'), default: () => res.send('default') }),
  hints: (res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' });
    return res.send('hinted');
  },
  chunks: (res) => {
    res.write('a');
    res.write(Buffer.from('b'));
    return res.end('c', 'latin1');
  },
  base64: (res) => res.end('aGVsbG8=', 'base64'),
  callback: (res) => res.end('x', () => res.app.emit('sent')),
};

function addAnswers(app: Express): void {
  for (const [path, answer] of Object.entries(ANSWERS)) app.get(`/${path}`, (_req, res) => void answer(res));
}

const get = (target: string, ...headers: [string, string][]): WireRequest => ({ target, headers });
const paths = Object.keys(ANSWERS).map((path) => `/${path}`);
const MASKS = [/(Expires=(?!Thu, 01 Jan 1970))[^;]+/g];

describe('responses', () => {
  const program = expressProgram(addAnswers);

  it.each(paths)('are alike: %s', async (target) => {
    const { responses } = await expectAlike(
      program,
      async ({ fetch }) => {
        await fetch(target);
        await fetch({ method: 'HEAD', target });
        await fetch(`${target}?callback=f.g[0]`);
        await fetch(get(target, ['Accept', 'application/json']));
        await fetch(get(target, ['Accept', 'image/*;q=0.5']));
        await fetch(get(target, ['If-None-Match', '*']));
        await fetch(get(target, ['Range', 'bytes=1-3']));
      },
      { masks: MASKS },
    );
    expect(responses).toHaveLength(7);
    expect(responses[1]?.content).toHaveLength(0);
  });

  it('become a 304 for their own ETag', async () => {
    const targets = ['/text', '/object', '/buffer', '/json', '/jsonp', '/file/after', '/download', '/empty'];
    const { responses } = await expectAlike(program, async ({ fetch }) => {
      for (const target of targets) {
        const { headers } = await fetch(target);
        const etag = headers.find(([name]) => name === 'ETag')?.[1] ?? '';
        await fetch(get(target, ['If-None-Match', etag]));
        await fetch(get(target, ['If-None-Match', etag], ['Cache-Control', 'no-cache']));
      }
    });
    expect(responses.filter(({ statusCode }) => statusCode === 304)).toHaveLength(targets.length);
  });

  it.each([
    { etag: false, 'x-powered-by': false },
    { etag: 'strong', 'json spaces': 2, 'json escape': true },
    { etag: (content: Buffer) => `"own-${content.length}"`, 'jsonp callback name': 'call' },
    { 'json replacer': (key: string, value: unknown) => (key === 'a' ? 'replaced' : value) },
  ])('follow the settings of the app: %#', async (settings) => {
    const set = expressProgram((app) => {
      for (const [name, value] of Object.entries(settings)) app.set(name, value);
      addAnswers(app);
    });
    const { text } = await expectAlike(set, async ({ fetch }) => {
      for (const target of ['/text', '/json', '/object', '/jsonp?call=f', '/chunks', '/nowhere'])
        await fetch(target);
    });
    if (settings.etag === 'strong') expect(text).toContain('\n  "a": "\\u003cé'.replace('é', '\xc3\xa9'));
    if (typeof settings.etag === 'function') expect(text).toContain('ETag: "own-');
  });
});

describe('the request of Express', () => {
  const FORWARDED: [string, string][] = [
    ['X-Forwarded-For', '1.1.1.1, 2.2.2.2, 127.0.0.3'],
    ['X-Forwarded-Proto', 'https, http'],
    ['X-Forwarded-Host', 'outside.test:8443, inner'],
  ];

  it.each([
    false,
    true,
    1,
    2,
    'loopback',
    '10.0.0.0/8, 127.0.0.1',
    (ip: string, hop: number) => hop < 2 && ip !== '9.9.9.9',
  ])('follows the trust in proxies: %s', async (trust) => {
    const program = expressProgram((app) => {
      app.set('trust proxy', trust).set('subdomain offset', 1).set('query parser', 'extended');
      app.get('/', (req, res) => {
        const { ip, ips, protocol, secure, hostname, host, subdomains, xhr, fresh, query } = req;
        res.json({ ip, ips, protocol, secure, hostname, host, subdomains, xhr, fresh, query });
      });
    });
    const { text } = await expectAlike(program, async ({ fetch }) => {
      await fetch('/?a[b]=1&a[c][]=2');
      await fetch({ headers: FORWARDED });
      await fetch({ headers: [FORWARDED[0] ?? ['', ''], ['X-Requested-With', 'XMLHttpRequest']] });
    });
    expect(text).toContain('"protocol":"http"');
    expect(text.includes('"secure":true')).toBe(trust !== false);
  });

  it('negotiates types and shows its fields', async () => {
    const program = expressProgram((app) => {
      app.all('/', (req, res) => {
        res.json([
          req.accepts(['json', 'html', 'text/plain']),
          req.acceptsCharsets('utf-8', 'latin1'),
          req.acceptsEncodings('gzip', 'br'),
          req.acceptsLanguages('de', 'en'),
          req.is('json') ?? null,
          req.is(['text/*', 'x/y']) ?? null,
          req.get('Referrer') ?? null,
          req.range(100, { combine: true }) ?? null,
          req.headers,
          req.rawHeaders,
          req.httpVersion,
          req.complete,
          Object.keys(req.headersDistinct),
        ]);
      });
    });
    const { text } = await expectAlike(program, async ({ fetch }) => {
      await fetch('/');
      const headers: [string, string][] = [
        ['Accept', 'text/*;q=0.5, application/json;q=0.1'],
        ['accept-language', 'en;q=0.1, de'],
        ['ACCEPT-CHARSET', 'latin1'],
        ['Accept-Encoding', 'br;q=1, gzip;q=0.2'],
        ['Referer', 'http://r'],
        ['Range', 'bytes=0-5, 4-10, 20-30'],
        ['Content-Type', 'text/x; charset=utf-8'],
        ['X-Twice', '1'],
        ['x-twice', '2'],
        ['Cookie', 'a=1'],
        ['Cookie', 'b=2'],
        ['User-Agent', 'one'],
        ['User-Agent', 'two'],
        ['__proto__', 'x'],
        ['constructor', 'y'],
        ['X-Latin', 'caf\xe9'],
      ];
      await fetch({ method: 'POST', headers, content: 'content' });
      await fetch({ method: 'POST', headers: [['Content-Type', 'application/json']], content: '{}' });
    });
    expect(text).toContain('"x-twice":"1, 2"');
    expect(text).toContain('"user-agent":"one"');
  });
});

describe('settings', () => {
  it('pass from an app to the apps mounted in it', async () => {
    const program = expressProgram((app) => {
      app.set('trust proxy', true).set('json spaces', 1).disable('x-powered-by').enable('own');
      app.locals.title = 'title';
      const sub = express();
      sub.get('/', (req, res) => {
        const { app: own } = req;
        res.json([
          own.enabled('own'),
          own.get('trust proxy'),
          own.locals.title ?? null,
          req.ip,
          own.settings.env,
        ]);
      });
      app.use('/sub', sub);
      app.get(
        '/',
        (req, res) => void res.json([req.app.locals.title, req.app.enabled('own'), Object.keys(res.locals)]),
      );
    });
    const { text } = await expectAlike(program, async ({ fetch }) => {
      for (const target of ['/', '/sub']) await fetch({ target, headers: [['X-Forwarded-For', '8.8.8.8']] });
    });
    expect(text).toContain('"8.8.8.8"');
  });
});
