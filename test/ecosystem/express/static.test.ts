/** serve-static and express.static: ranges, conditions, dotfiles, indexes, redirects, unusual names. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import serveStatic from 'serve-static';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireRequest } from '../../bridges/site.ts';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'static-'));
  for (const folder of ['sub', 'plain', '.dots']) await mkdir(join(root, folder));
  const files: Record<string, string | Buffer> = {
    'page.html': '<!doctype html>\n<title>Café</title>\n'.repeat(50),
    'index.html': '<p>index',
    'empty.txt': '',
    'large.bin': Buffer.alloc(200_000, '0123456789'),
    'sub/index.html': '<p>sub',
    'sub/naïve €.txt': 'named',
    'plain/file.json': '{}',
    'plain/100%.txt': 'percent',
    '.hidden': 'secret',
    '.dots/file': 'dotted',
    extensionless: 'no type',
    'style.css': 'p {}',
  };
  const date = new Date('2020-02-02T02:02:02Z');
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(root, name), content);
    await utimes(join(root, name), date, date);
  }
});

afterAll(() => rm(root, { recursive: true }));

const program = expressProgram((app) => {
  app.use('/mounted', express.static(root));
  app.use(
    '/options',
    serveStatic(root, {
      dotfiles: 'allow',
      etag: false,
      index: ['none.htm', 'page.html'],
      maxAge: '1d',
      immutable: true,
      extensions: ['html', 'css'],
      setHeaders: (res, path) => res.setHeader('X-Path', encodeURI(path.slice(root.length))),
    }),
  );
  app.use(
    '/strict',
    serveStatic(root, { fallthrough: false, redirect: false, dotfiles: 'deny', acceptRanges: false }),
  );
  app.use('/bare', serveStatic(root, { index: false, lastModified: false, cacheControl: false }));
  app.use(serveStatic(root));
  app.use((req, res) => void res.status(404).send(`nothing at ${req.url}`));
});

const get = (target: string, ...headers: [string, string][]): WireRequest => ({ target, headers });

describe('static files', () => {
  it.each(['', '/mounted', '/options', '/strict', '/bare'])('are found at %j', async (mount) => {
    const paths =
      '/page.html / /sub /sub/ /sub?q=1 /plain /plain/ /plain/file.json /empty.txt /large.bin /.hidden /.dots/file /style ' +
      '/extensionless /none /sub/na%C3%AFve%20%E2%82%AC.txt /plain/100%25.txt /plain/100%.txt /%00 /%2e%2e/x ' +
      '/../x //page.html /page.html/ /sub%2findex.html /page.html?x#y /%E0%A4%A /PAGE.html';
    const targets = paths.split(' ').filter((path) => !path.includes('#'));
    const { responses } = await expectAlike(program, async ({ fetch }) => {
      for (const path of targets) await fetch(`${mount}${path}`);
      await fetch({ method: 'POST', target: `${mount}/page.html`, content: 'x' });
      await fetch({ method: 'OPTIONS', target: `${mount}/page.html` });
    });
    expect(responses[0]?.statusCode).toBe(200);
    const codes = new Set(responses.map(({ statusCode }) => statusCode));
    for (const code of mount === '/strict' ? [200, 400, 403, 404, 405] : [200, 404])
      expect(codes).toContain(code);
  });

  it('are sent in part', async () => {
    const ranges = [
      'bytes=0-0',
      'bytes=10-19',
      'bytes=-5',
      'bytes=199990-',
      'bytes=0-999999',
      'bytes=0-1,5-6',
      'bytes=0-1,1-5',
      'bytes=200000-',
      'bytes=-0',
      'bytes=5-1',
      'items=0-5',
      'nonsense',
      'bytes=0-1, 500000-',
    ];
    const { responses } = await expectAlike(program, async ({ fetch }) => {
      for (const range of ranges) {
        await fetch(get('/large.bin', ['Range', range]));
        await fetch({ ...get('/large.bin', ['Range', range]), method: 'HEAD' });
      }
      for (const target of ['/strict/large.bin', '/empty.txt', '/none']) {
        await fetch(get(target, ['Range', 'bytes=0-1']));
      }
      const { headers } = await fetch('/large.bin');
      const etag = headers.find(([name]) => name === 'ETag')?.[1] ?? '';
      for (const tag of [etag, '"other"', 'Sun, 02 Feb 2020 02:02:02 GMT', 'Sun, 02 Feb 2010 02:02:02 GMT']) {
        await fetch(get('/large.bin', ['Range', 'bytes=3-5'], ['If-Range', tag]));
      }
    });
    expect(responses.filter(({ statusCode }) => statusCode === 206).length).toBeGreaterThan(10);
    expect(responses.filter(({ statusCode }) => statusCode === 416).length).toBeGreaterThan(3);
    expect(responses[2]?.content.toString()).toBe('0123456789');
  });

  it('are sent if their conditions hold', async () => {
    const { responses } = await expectAlike(program, async ({ fetch }) => {
      const { headers } = await fetch('/page.html');
      const etag = headers.find(([name]) => name === 'ETag')?.[1] ?? '';
      const conditions: [string, string][] = [
        ['If-None-Match', etag],
        ['If-None-Match', etag.replace('W/', '')],
        ['If-None-Match', `"a", ${etag}`],
        ['If-None-Match', '*'],
        ['If-None-Match', '"a"'],
        ['If-Match', etag],
        ['If-Match', '"a"'],
        ['If-Modified-Since', 'Sun, 02 Feb 2020 02:02:02 GMT'],
        ['If-Modified-Since', 'Sun, 02 Feb 2020 02:02:01 GMT'],
        ['If-Modified-Since', 'nonsense'],
        ['If-Unmodified-Since', 'Sun, 02 Feb 2020 02:02:01 GMT'],
        ['If-Unmodified-Since', 'Sun, 02 Feb 2020 02:02:02 GMT'],
      ];
      for (const condition of conditions) {
        await fetch(get('/page.html', condition));
        await fetch({ ...get('/page.html', condition), method: 'HEAD' });
      }
      await fetch(get('/page.html', ['If-None-Match', etag], ['Cache-Control', 'no-cache']));
      await fetch(
        get('/page.html', ['If-None-Match', '"a"'], ['If-Modified-Since', 'Fri, 31 Dec 2100 00:00:00 GMT']),
      );
    });
    const codes = responses.map(({ statusCode }) => statusCode);
    expect(codes.filter((code) => code === 304)).toHaveLength(10);
    expect(codes.filter((code) => code === 412)).toHaveLength(4);
  });

  it('are sent one after the other over one connection', async () => {
    const { responses } = await expectAlike(program, async (visitor) => {
      const client = visitor.open();
      const targets = ['/page.html', '/large.bin', '/none', '/empty.txt', '/sub', '/sub/'];
      for (const target of targets) {
        client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
        await visitor.read(client);
      }
      client.send(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
      for (const _ of targets) await visitor.read(client);
    });
    expect(responses).toHaveLength(12);
  });

  it('are sent over HTTP/1.0', async () => {
    await expectAlike(program, async (visitor) => {
      for (const fields of ['', 'Connection: keep-alive\r\n', 'Range: bytes=0-9\r\n']) {
        const client = visitor.open();
        client.send(`GET /large.bin HTTP/1.0\r\n${fields}\r\n`);
        await visitor.read(client);
      }
    });
  });
});
