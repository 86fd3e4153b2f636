/** @fastify/static: files, ranges, validators, listings, precompressed files. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../../messages/side-by-side.ts';
import { alike, closeAll, type Place, serveEverywhere } from './three-servers.ts';

const TEXT = 'abcdefghijklmnopqrstuvwxyz'.repeat(10);
const CHANGED = new Date('2026-01-02T03:04:05Z');
let root: string;
let places: readonly Place[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatebridge-static-'));
  await mkdir(join(root, 'folder', 'inner'), { recursive: true });
  const files: [string, string | Buffer][] = [
    ['text.txt', TEXT],
    ['empty.txt', ''],
    ['big.bin', Buffer.alloc(300_000, 'x')],
    ['.hidden', 'hidden'],
    ['with space & ü.txt', 'named'],
    ['index.html', '<p>index'],
    ['script.js', 'plain()'],
    ['script.js.gz', gzipSync('plain()')],
    ['script.js.br', Buffer.from([0x0b, 0x03, 0x80])],
    ['folder/index.html', '<p>folder'],
    ['folder/inner/leaf.txt', 'leaf'],
  ];
  for (const [name, content] of files) {
    await writeFile(join(root, name), content);
    await utimes(join(root, name), CHANGED, CHANGED);
  }
  for (const name of ['folder/inner', 'folder', '']) await utimes(join(root, name), CHANGED, CHANGED);
  places = await serveEverywhere(async (options) => {
    const app = fastify(options);
    await app.register(fastifyStatic, { root, prefix: '/files/', cacheControl: true, maxAge: '1h' });
    const more = { root, decorateReply: false };
    await app.register(fastifyStatic, { ...more, prefix: '/each/', wildcard: false });
    await app.register(fastifyStatic, { ...more, prefix: '/packed/', preCompressed: true });
    await app.register(fastifyStatic, { ...more, prefix: '/redirected/', redirect: true });
    await app.register(fastifyStatic, { ...more, prefix: '/denied/', dotfiles: 'deny' });
    await app.register(fastifyStatic, { ...more, prefix: '/ignored/', dotfiles: 'ignore', etag: false });
    await app.register(fastifyStatic, {
      ...more,
      prefix: '/listed/',
      index: false,
      list: { format: 'json', names: ['/'] },
    });
    await app.register(fastifyStatic, {
      ...more,
      prefix: '/headers/',
      setHeaders: (reply) => void reply.header('X-File', 'yes'),
    });
    app.get('/one', (_req, reply) => reply.sendFile('text.txt', { maxAge: 5000, immutable: true }));
    app.get('/download', (_req, reply) => reply.download('text.txt', 'näme.txt'));
    app.get('/lost', (_req, reply) => reply.sendFile('nothing.txt'));
    return app;
  });
});

afterAll(async () => {
  await closeAll(places);
  await rm(root, { recursive: true });
});

const FILE = '/files/text.txt';
const CASES: readonly (readonly [string, string, string, string, ...string[]])[] = [
  ['a file', '200', 'GET', FILE],
  ['its head', '200', 'HEAD', FILE],
  ['an empty file', '200', 'GET', '/files/empty.txt'],
  ['a file of many chunks', '200', 'GET', '/files/big.bin'],
  ['an escaped name', '200', 'GET', '/files/with%20space%20&%20%C3%BC.txt'],
  ['an index', '200', 'GET', '/files/'],
  ['the index of a folder', '200', 'GET', '/files/folder/'],
  ['a folder without slash', '404', 'GET', '/files/folder/inner'],
  ['a redirect to a folder', '301', 'GET', '/redirected/folder?q=1'],
  ['no file', '404', 'GET', '/files/nothing.txt'],
  ['no file of a route', '404', 'GET', '/lost'],
  ['a path out of the root', '404', 'GET', '/files/..%2f..%2fetc/passwd'],
  ['a dotfile', '200', 'GET', '/files/.hidden'],
  ['a dotfile that is denied', '403', 'GET', '/denied/.hidden'],
  ['a dotfile that is ignored', '404', 'GET', '/ignored/.hidden'],
  ['no ETag', '200', 'GET', '/ignored/text.txt'],
  ['the first octets', '206', 'GET', FILE, 'Range: bytes=0-9'],
  ['the last octets', '206', 'GET', FILE, 'Range: bytes=-5'],
  ['all but some', '206', 'GET', FILE, 'Range: bytes=255-'],
  ['two ranges', '200', 'GET', FILE, 'Range: bytes=0-1,4-5'],
  ['a range beyond the end', '416', 'GET', FILE, 'Range: bytes=999-'],
  ['a range in an unknown unit', '200', 'GET', FILE, 'Range: lines=1-2'],
  ['the head of a range', '206', 'HEAD', FILE, 'Range: bytes=0-9'],
  [
    'a range of an unmodified file',
    '206',
    'GET',
    FILE,
    'Range: bytes=0-9',
    `If-Range: ${CHANGED.toUTCString()}`,
  ],
  ['a range of another version', '200', 'GET', FILE, 'Range: bytes=0-9', 'If-Range: "other"'],
  ['an unmodified file', '304', 'GET', FILE, `If-Modified-Since: ${CHANGED.toUTCString()}`],
  ['the head of an unmodified file', '304', 'HEAD', FILE, `If-Modified-Since: ${CHANGED.toUTCString()}`],
  ['a modified file', '200', 'GET', FILE, 'If-Modified-Since: Thu, 01 Jan 2004 00:00:00 GMT'],
  ['any ETag', '304', 'GET', FILE, 'If-None-Match: *'],
  ['another ETag', '200', 'GET', FILE, 'If-None-Match: "other"'],
  ['an ETag that must match', '412', 'GET', FILE, 'If-Match: "other"'],
  ['a date that must match', '412', 'GET', FILE, 'If-Unmodified-Since: Thu, 01 Jan 2004 00:00:00 GMT'],
  ['routes for each file', '200', 'GET', '/each/folder/inner/leaf.txt'],
  ['no route for a file', '404', 'GET', '/each/other'],
  ['a compressed file', '200', 'GET', '/packed/script.js', 'Accept-Encoding: gzip'],
  ['the better compressed file', '200', 'GET', '/packed/script.js', 'Accept-Encoding: gzip, br'],
  ['a compressed file that is not asked for', '200', 'GET', '/packed/script.js'],
  ['a file without a compressed version', '200', 'GET', '/packed/text.txt', 'Accept-Encoding: gzip'],
  ['a list', '200', 'GET', '/listed/folder/'],
  ['the list of a root', '200', 'GET', '/listed/'],
  ['headers of its own', '200', 'GET', '/headers/text.txt'],
  ['one file', '200', 'GET', '/one'],
  ['a download', '200', 'GET', '/download'],
  ['the head of a download', '200', 'HEAD', '/download'],
  ['a range of a download', '206', 'GET', '/download', 'Range: bytes=5-9'],
  ['a method without a route', '404', 'POST', FILE],
];

describe('@fastify/static', () => {
  it.each(CASES)('answers alike: %s with %s', async (_name, status, method, url, ...fields) => {
    const text = await alike(places, [request(method, url, fields)]);
    expect(text.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
  });

  it('answers its own ETag with 304', async () => {
    const text = await alike(places, [request('GET', FILE)]);
    const [, tag = ''] = /^etag: (.*)$/im.exec(text) ?? [];
    expect(tag).toMatch(/^W\/"/);
    expect(await alike(places, [request('GET', FILE, [`If-None-Match: ${tag}`])])).toMatch(
      /^HTTP\/1\.1 304 /,
    );
  });

  it('serves several files on one connection', async () => {
    const first = request('GET', FILE).replace('Connection: close\r\n', '');
    const text = await alike(places, [first, 'answer', first, 'answer', request('HEAD', '/files/big.bin')]);
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  });
});
