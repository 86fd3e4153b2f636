import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type FileLike, FileWrapper } from '../../src/index.ts';
import { dispatch, type StaticFilesOptions, staticFiles } from '../../src/middleware/index.ts';
import { validate } from '../../src/validate/index.ts';
import { askInProcess, EVERYWHERE } from './kit.ts';
import { askOctets, listen, portOf } from './octets.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatebridge-static-'));
const root = join(folder, 'root');
const BIG = Buffer.alloc(2_000_000, 'abcdefghij');
for (const name of ['docs', '.git', 'empty', 'a b']) mkdirSync(join(root, name), { recursive: true });
const write = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(root, name), content);
  utimesSync(join(root, name), 1_000_000_000, 1_000_000_000);
};
writeFileSync(join(folder, 'secret.txt'), 'secret');
write('ten.txt', '0123456789');
write('zero.txt', '');
write('big.bin', BIG);
write('docs/index.html', '<p>docs</p>');
write('.git/config', 'hidden');
write('a b/café.txt', 'café');
write('app.js', 'let a = 1;');
write('app.js.gz', gzipSync('let a = 1;'));
for (const end of ['', '.br', '.zst', '.gz']) write(`all.css${end}`, `all${end}`);
write('old.css', 'new');
write('old.css.gz', 'old');
utimesSync(join(root, 'old.css.gz'), 999_999_999, 999_999_999);
symlinkSync(join(folder, 'secret.txt'), join(root, 'out.txt'));
symlinkSync('ten.txt', join(root, 'in.txt'));
if (process.platform === 'linux') execFileSync('mkfifo', [join(root, 'pipe')]);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const missing = validate((_environ, startResponse) => {
  startResponse('404 Not Found', [['Content-Type', 'text/plain']]);
  return [Buffer.from('inner')];
});
/** Between validators: what breaks the contract fails. */
const site = (options: StaticFilesOptions = {}) => validate(staticFiles(root, options)(missing));
const ask = (
  path: string,
  headers: Record<string, string> = {},
  options?: StaticFilesOptions,
  method = 'GET',
) => askOctets(site(options), { path, headers, method });
const TEN = (await ask('/ten.txt')).headers;
const ETAG = TEN.etag ?? '';
const DATE = 'Sun, 09 Sep 2001 01:46:40 GMT';

describe('staticFiles', () => {
  it('serves a file, and HEAD has the same head', async () => {
    const got = await ask('/ten.txt', {}, { cacheControl: 'max-age=60' });
    expect(got).toMatchObject({ status: 200, octets: Buffer.from('0123456789'), log: '' });
    expect(got.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '10',
      'accept-ranges': 'bytes',
      'last-modified': DATE,
      'cache-control': 'max-age=60',
    });
    const head = await ask('/ten.txt', {}, { cacheControl: 'max-age=60' }, 'HEAD');
    expect(head.octets).toHaveLength(0);
    expect({ ...head.headers, date: '' }).toEqual({ ...got.headers, date: '' });
    expect((await ask('/big.bin')).octets.equals(BIG)).toBe(true);
    expect(await ask('/zero.txt')).toMatchObject({ status: 200, headers: { 'content-length': '0' } });
    expect((await ask('/a%20b/caf%C3%A9.txt')).octets.toString()).toBe('café');
  });

  it.each([
    '/../secret.txt',
    '/docs/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/docs%2f..%2f..%2fsecret.txt',
    '/..%5csecret.txt',
    '/docs\\..\\..\\secret.txt',
    '/ten.txt%00',
    '/ten.txt%00.html',
    '/%c0%ae%c0%ae/secret.txt',
    '/%ff.txt',
    '//ten.txt',
    '/./ten.txt',
    '/docs//index.html',
    '/docs%2findex.html',
    '/ten.txt/',
    '/ten.txt/x',
    '/out.txt',
    '/.git/config',
    '/docs/../ten.txt',
    '/empty/',
    '/empty',
    '/pipe',
    `/${'x'.repeat(3000)}`,
    `/${encodeURIComponent(join(folder, 'secret.txt'))}`,
    join('/', folder, 'secret.txt'),
  ])('does not find %s', async (path) => {
    expect(await ask(path)).toMatchObject({ status: 404, octets: Buffer.from('inner'), log: '' });
    const alone = await ask(path, {}, { fallthrough: false });
    expect(alone).toMatchObject({ status: 404, octets: Buffer.from('Not Found\n'), log: '' });
  });

  it.each([
    ['/.git/config', { dotfiles: 'deny' }, 403],
    ['/.git/config', { dotfiles: 'allow' }, 200],
    ['/in.txt', {}, 200],
    ['/in.txt', { symlinks: 'ignore' }, 404],
    ['/ten.txt', { symlinks: 'ignore' }, 200],
    ['/out.txt', { symlinks: 'follow' }, 200],
    ['/docs/', {}, 200],
    ['/docs', {}, 301],
    ['/docs/', { index: [] }, 404],
    ['/docs/', { index: ['none.html', 'index.html'] }, 200],
  ] as [string, StaticFilesOptions, number][])('%s with %j: %i', async (path, options, status) => {
    expect((await ask(path, {}, options)).status).toBe(status);
  });

  it('redirects below its mount, and never to another host', async () => {
    const mounted = dispatch({ '/static': site() });
    const answer = await askOctets(mounted, { path: '/static/docs?a=1' });
    expect([answer.status, answer.headers.location]).toEqual([301, '/static/docs/?a=1']);
    const mount = await askInProcess(staticFiles(join(root, 'docs'))(missing), {
      environ: { SCRIPT_NAME: '//evil.test', PATH_INFO: '', REQUEST_URI: undefined },
    });
    expect(mount.headers.get('Location')).toBe('/evil.test/');
  });

  it('leaves other methods to the application, or refuses them', async () => {
    expect((await ask('/ten.txt', {}, {}, 'POST')).status).toBe(404);
    const refused = await ask('/ten.txt', {}, { fallthrough: false }, 'POST');
    expect([refused.status, refused.headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it.each([
    [{ 'If-None-Match': ETAG }, 304],
    [{ 'If-None-Match': `W/${ETAG}, "x"` }, 304],
    [{ 'If-None-Match': '*' }, 304],
    [{ 'If-None-Match': '"x"' }, 200],
    [{ 'If-None-Match': '"x"', 'If-Modified-Since': DATE }, 200],
    [{ 'If-Modified-Since': DATE }, 304],
    [{ 'If-Modified-Since': 'Sat, 08 Sep 2001 01:46:40 GMT' }, 200],
    [{ 'If-Modified-Since': 'nonsense' }, 200],
    [{ 'If-Modified-Since': 'Tue, 31 Feb 2094 00:00:00 GMT' }, 200],
    [{ 'If-Modified-Since': 'Sunday, 31-Feb-38 00:00:00 GMT' }, 200],
    [{ 'If-Modified-Since': 'Sun Feb 31 00:00:00 2094' }, 200],
    [{ 'If-Modified-Since': 'Sun Feb  7 00:00:00 2094' }, 304],
    [{ 'If-Match': ETAG }, 200],
    [{ 'If-Match': '*' }, 200],
    [{ 'If-Match': `W/${ETAG}` }, 412],
    [{ 'If-Match': '"x"' }, 412],
    [{ 'If-Match': ETAG, 'If-None-Match': ETAG }, 304],
    [{ 'If-Match': ETAG, 'If-Unmodified-Since': 'Sat, 08 Sep 2001 01:46:40 GMT' }, 200],
    [{ 'If-Unmodified-Since': DATE }, 200],
    [{ 'If-Unmodified-Since': 'Sat, 08 Sep 2001 01:46:40 GMT' }, 412],
  ] as [Record<string, string>, number][])('%j: %i', async (headers, status) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await ask('/ten.txt', headers, {}, method);
      expect([answer.status, answer.log]).toEqual([status, '']);
      if (status === 304)
        expect([answer.headers.etag, answer.headers['content-type']]).toEqual([ETAG, undefined]);
    }
  });

  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-30', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['BYTES=9-9, 20-30', '9', 'bytes 9-9/10'],
    ['bytes=,0-0 ,', '0', 'bytes 0-0/10'],
  ])('Range %s: %s', async (range, text, field) => {
    const answer = await ask('/ten.txt', { Range: range });
    expect([answer.status, answer.octets.toString(), answer.log]).toEqual([206, text, '']);
    expect(answer.headers['content-range']).toBe(field);
    expect(answer.headers['content-length']).toBe(String(text.length));
  });

  it.each(['bytes=10-', 'bytes=-0', 'bytes=99-100,50-'])('Range %s: 416', async (range) => {
    const answer = await ask('/ten.txt', { Range: range });
    expect([answer.status, answer.headers['content-range']]).toEqual([416, 'bytes */10']);
    expect((await ask('/zero.txt', { Range: range })).status).toBe(416);
  });

  it.each([
    [{ Range: 'bytes=3-1' }],
    [{ Range: 'lines=0-1' }],
    [{ Range: 'bytes=a-b' }],
    [{ Range: 'bytes=-' }],
    [{ Range: 'bytes=' }],
    [{ Range: 'bytes=0-5,3-9' }],
    [{ Range: `bytes=${Array.from({ length: 11 }, () => '0-0').join(',')}` }],
    [{ Range: `bytes=${Array.from({ length: 300 }, (_, at) => `${at}-${at}`).join(',')}` }],
    [{ Range: 'bytes=0-3', 'If-Range': '"x"' }],
    [{ Range: 'bytes=0-3', 'If-Range': `W/${ETAG}` }],
    [{ Range: 'bytes=0-3', 'If-Range': 'Mon, 10 Sep 2001 01:46:40 GMT' }],
  ])('%j gets the whole', async (headers) => {
    const answer = await ask('/ten.txt', headers);
    expect([answer.status, answer.octets.toString()]).toEqual([200, '0123456789']);
  });

  it('has another limit of ranges', async () => {
    const statusOf = async (maxRanges: number) =>
      (await ask('/ten.txt', { Range: 'bytes=0-0,2-2' }, { maxRanges })).status;
    expect([await statusOf(2), await statusOf(1)]).toEqual([206, 200]);
  });

  it.each([ETAG, DATE])('If-Range %s counts', async (value) => {
    expect((await ask('/ten.txt', { Range: 'bytes=0-3', 'If-Range': value })).status).toBe(206);
  });

  it('sends several ranges', async () => {
    const answer = await ask('/ten.txt', { Range: 'bytes=-2,0-1' });
    const [, boundary] =
      /^multipart\/byteranges; boundary=(\S+)$/.exec(answer.headers['content-type'] ?? '') ?? [];
    const part = (range: string, text: string) =>
      `--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ${range}/10\r\n\r\n${text}\r\n`;
    expect(answer.octets.toString()).toBe(`${part('8-9', '89')}${part('0-1', '01')}--${boundary}--\r\n`);
    expect([answer.status, answer.headers['content-length']]).toEqual([206, String(answer.octets.length)]);
    const big = await ask('/big.bin', { Range: 'bytes=5-99999,200000-' });
    const end = big.octets.lastIndexOf('\r\n--');
    const last = BIG.subarray(200_000);
    expect(big.octets.subarray(end - last.length, end).equals(last)).toBe(true);
  });

  it('sends a precompressed variant with an ETag of its own', async () => {
    const options: StaticFilesOptions = { precompressed: ['br', 'gzip'] };
    const coded = await ask('/app.js', { 'Accept-Encoding': 'gzip, br' }, options);
    expect(coded.octets).toEqual(gzipSync('let a = 1;'));
    expect(coded.headers).toMatchObject({
      'content-encoding': 'gzip',
      vary: 'Accept-Encoding',
      'content-type': 'text/javascript; charset=utf-8',
    });
    const plain = await ask('/app.js', {}, options);
    expect([plain.octets.toString(), plain.headers.vary]).toEqual(['let a = 1;', 'Accept-Encoding']);
    expect(plain.headers.etag).not.toBe(coded.headers.etag);
    expect((await ask('/ten.txt', { 'Accept-Encoding': 'gzip' }, options)).headers.vary).toBeUndefined();
  });

  it.each([
    ['br, zstd, gzip', ['br', 'zstd', 'gzip'], 'br', 'all.br'],
    ['br, zstd, gzip', ['zstd', 'br'], 'zstd', 'all.zst'],
    ['br;q=0.5, gzip', ['br', 'gzip'], 'gzip', 'all.gz'],
    ['gzip', ['br'], undefined, 'all'],
    ['identity, gzip;q=0.5', ['gzip'], undefined, 'all'],
  ])('Accept-Encoding %s of %j: %s', async (field, precompressed, coding, text) => {
    const answer = await ask('/all.css', { 'Accept-Encoding': field }, { precompressed });
    expect([answer.headers['content-encoding'], answer.octets.toString()]).toEqual([coding, text]);
    expect(answer.headers['content-type']).toBe('text/css; charset=utf-8');
  });

  it('a variant that is older than its file is out of date', async () => {
    const answer = await ask('/old.css', { 'Accept-Encoding': 'gzip' }, { precompressed: ['gzip'] });
    expect([answer.octets.toString(), answer.headers.vary]).toEqual(['new', undefined]);
  });

  it('sends a file by the wrapper of the server, or by its own', async () => {
    const wrapper = vi.fn((file: FileLike, size?: number) => new FileWrapper(file, size));
    for (const fileWrapper of [wrapper, undefined]) {
      const environ = { 'wsgi.file_wrapper': fileWrapper };
      const answer = await askInProcess(staticFiles(root)(missing), { path: '/ten.txt', environ });
      expect([answer.text, answer.headers.get('Content-Length')]).toEqual(['0123456789', '10']);
    }
    // Large blocks: docs/benchmarks.md, Files.
    expect(wrapper.mock.calls.map(([, size]) => size)).toEqual([262_144]);
  });

  it('lets the server in front send the file', async () => {
    const accel = await ask(
      '/a%20b/caf%C3%A9.txt',
      {},
      { sendfile: 'X-Accel-Redirect', sendfilePrefix: '/internal' },
    );
    expect(accel.headers['x-accel-redirect']).toBe('/internal/a%20b/caf%C3%A9.txt');
    expect(accel.octets).toHaveLength(0);
    const plain = await ask('/ten.txt', {}, { sendfile: 'X-Sendfile' });
    expect(plain.headers['x-sendfile']).toMatch(/root\/ten\.txt$/);
    // It drops Content-Encoding, and chooses a coding itself.
    const fields = { 'Accept-Encoding': 'br, gzip' };
    const coded = await ask('/all.css', fields, { sendfile: 'X-Sendfile', precompressed: ['br', 'gzip'] });
    expect(coded.headers['x-sendfile']).toMatch(/root\/all\.css$/);
    expect([coded.headers['content-encoding'], coded.headers.vary]).toEqual([undefined, undefined]);
  });

  it.each(EVERYWHERE)('leaves the rest to %s, %s', async (_form, _host, application, askHost) => {
    const answer = await askHost(validate(staticFiles(root)(validate(application))), { path: '/nothing' });
    expect([answer.status, answer.text]).toEqual(['200 OK', 'Hello world']);
    const file = await askHost(validate(staticFiles(root)(validate(application))), { path: '/ten.txt' });
    expect([file.status, file.text, file.log]).toEqual(['200 OK', '0123456789', '']);
  });

  it('asks for the type, and checks its options', async () => {
    const typed = await ask('/ten.txt', {}, { contentType: () => 'text/x-ten' });
    expect(typed.headers['content-type']).toBe('text/x-ten');
    expect(() => staticFiles('')).toThrow('Root must be the path of a directory');
    expect(() => staticFiles(root, { precompressed: ['deflate'] })).toThrow(
      'Option precompressed must be "br", "zstd" or "gzip", not "deflate"',
    );
  });

  it.runIf(process.platform === 'linux')(
    '1,000 aborted downloads leave no descriptor',
    { timeout: 60_000 },
    async () => {
      const server = await listen(staticFiles(root)(missing));
      const open = () => readdirSync('/proc/self/fd', { withFileTypes: true }).length;
      const before = open();
      const abort = async (index: number) => {
        const socket = connect(portOf(server), '127.0.0.1').on('error', () => {});
        const range = index % 3 === 0 ? 'Range: bytes=1-2,5-\r\n' : '';
        socket.write(`GET /big.bin HTTP/1.1\r\nHost: a\r\n${range}\r\n`);
        if (index % 2 === 0) await once(socket, 'data');
        else await once(socket, 'connect');
        socket.destroy();
      };
      for (let index = 0; index < 1000; index += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, at) => abort(index + at)));
      }
      await vi.waitFor(() => expect(open()).toBeLessThanOrEqual(before + 3), 10_000);
      await server.shutdown({ timeout: 1000 });
    },
  );
});
