/**
 * The cases of Werkzeug's tests of ProxyFix, DispatcherMiddleware and SharedDataMiddleware, and those of tests/test_wsgi.py that
 * are about trusted hosts, ranges and wrapped bodies (main of 2026), re-expressed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { applicationUri, rawPathInfo } from '../../src/index.ts';
import {
  allowedHosts,
  dispatch,
  staticFiles,
  type TrustedProxyOptions,
  trustedProxy,
  wrapBody,
} from '../../src/middleware/index.ts';
import { validate } from '../../src/validate/index.ts';
import type { Application, Body, Environ, StartResponse } from '../../src/wsgi.ts';
import { declarePorted, type PortedCase } from '../support/ported.ts';
import { askInProcess, TEXT } from './kit.ts';

const notFound: Application = function* (_environ, startResponse) {
  startResponse('404 NOT FOUND', [...TEXT]);
  yield Buffer.from('NOT FOUND');
};

const CLIENT = '192.168.0.1';

/** A case of ProxyFix: the client, and the URL of the application. */
function proxied(
  name: string,
  options: TrustedProxyOptions,
  keys: Readonly<Record<string, string>>,
  url: string,
): PortedCase {
  return {
    name: `test_proxy_fix: ${name}`,
    async run() {
      let seen: unknown;
      const application: Application = (environ, startResponse) => {
        // As Werkzeug has it, the URL ends in a slash.
        const root = applicationUri(environ).replace(/\/?$/, '/');
        seen = { client: environ.REMOTE_ADDR, root, below: rawPathInfo(environ) };
        const found = environ.PATH_INFO === '/parrot';
        startResponse(found ? '302 Found' : '404 Not Found', [...TEXT, ['Location', `${root}parrot`]]);
        return [];
      };
      const environ = { REMOTE_ADDR: CLIENT, HTTP_HOST: undefined, ...keys };
      const site = trustedProxy(options)(application);
      const { headers } = await askInProcess(site, { path: '/parrot', environ });
      expect(seen).toEqual({ client: CLIENT, root: url, below: '/parrot' });
      expect(headers.get('Location')).toBe(`${url}parrot`);
    },
  };
}

const forwarded = (host: string, port: string, url: string): PortedCase =>
  proxied(`port ${port} for ${host}`, { port: 1 }, { HTTP_HOST: host, HTTP_X_FORWARDED_PORT: port }, url);

const PROXY_FIX: readonly PortedCase[] = [
  proxied(
    'for',
    {},
    {
      REMOTE_ADDR: '192.168.0.2',
      HTTP_HOST: 'spam',
      HTTP_X_FORWARDED_FOR: CLIENT,
      HTTP_X_FORWARDED_PROTO: 'https',
    },
    'https://spam/',
  ),
  proxied('proto', { proto: 1 }, { HTTP_HOST: 'spam', HTTP_X_FORWARDED_PROTO: 'https' }, 'https://spam/'),
  proxied('host', { host: 1 }, { HTTP_HOST: 'spam', HTTP_X_FORWARDED_HOST: 'eggs' }, 'http://eggs/'),
  forwarded('spam', '8080', 'http://spam:8080/'),
  forwarded('spam:9000', '8080', 'http://spam:8080/'),
  proxied(
    'port, name',
    { port: 1 },
    { SERVER_NAME: 'spam', SERVER_PORT: '9000', HTTP_X_FORWARDED_PORT: '8080' },
    'http://spam:8080/',
  ),
  proxied(
    'prefix',
    { prefix: 1 },
    { HTTP_HOST: 'spam', HTTP_X_FORWARDED_PREFIX: '/eggs' },
    'http://spam/eggs/',
  ),
  proxied(
    'all',
    { for: 1, proto: 1, host: 1, port: 1, prefix: 1 },
    {
      REMOTE_ADDR: '192.168.0.2',
      HTTP_HOST: 'spam:9000',
      HTTP_X_FORWARDED_FOR: CLIENT,
      HTTP_X_FORWARDED_PROTO: 'https',
      HTTP_X_FORWARDED_HOST: 'eggs',
      HTTP_X_FORWARDED_PORT: '443',
      HTTP_X_FORWARDED_PREFIX: '/ham',
    },
    'https://eggs/ham/',
  ),
  ...(
    [
      ['multiple for', { for: 2 }, '192.168.0.3', `${CLIENT}, 192.168.0.2`],
      ['ignore 0', { for: 0 }, CLIENT, '192.168.0.2'],
      ['ignore len < trusted', { for: 3 }, CLIENT, '192.168.0.3, 192.168.0.2'],
      ['ignore untrusted', {}, '192.168.0.2', `192.168.0.3, ${CLIENT}`],
      ['ignore empty', { for: 2 }, CLIENT, ', 192.168.0.3'],
    ] as const
  ).map(([name, options, peer, field]) =>
    proxied(
      name,
      options,
      { REMOTE_ADDR: peer, HTTP_HOST: 'spam', HTTP_X_FORWARDED_FOR: field },
      'http://spam/',
    ),
  ),
  proxied(
    'prefix < for',
    { for: 2, prefix: 1 },
    {
      REMOTE_ADDR: '192.168.0.2',
      HTTP_HOST: 'spam',
      HTTP_X_FORWARDED_FOR: `${CLIENT}, 192.168.0.3`,
      HTTP_X_FORWARDED_PREFIX: '/ham, /eggs',
    },
    'http://spam/eggs/',
  ),
  proxied(
    'ipv6 host',
    { host: 1 },
    { HTTP_HOST: 'spam', HTTP_X_FORWARDED_HOST: '[2001:db8::a]' },
    'http://[2001:db8::a]/',
  ),
  forwarded('[2001:db8::a]', '8080', 'http://[2001:db8::a]:8080/'),
  forwarded('[2001:db8::a]:9000', '8080', 'http://[2001:db8::a]:8080/'),
];

const mounted: Application = function* ({ SCRIPT_NAME }, startResponse) {
  startResponse('200 OK', [...TEXT]);
  yield Buffer.from(SCRIPT_NAME);
};
const dispatched = validate(dispatch({ '/test1': mounted, '/test2/very': mounted }, { default: notFound }));

const DISPATCHER = (
  [
    ['/test1', '200 OK', '/test1'],
    ['/test1/asfd', '200 OK', '/test1'],
    ['/test1/very', '200 OK', '/test1'],
    ['/test2/very', '200 OK', '/test2/very'],
    ['/test2/very/long/path/after/script/name', '200 OK', '/test2/very'],
    ['/missing', '404 NOT FOUND', 'NOT FOUND'],
  ] as const
).map(
  ([path, status, text]): PortedCase => ({
    name: `test_dispatcher: ${path}`,
    run: async () => expect(await askInProcess(dispatched, { path })).toMatchObject({ status, text }),
  }),
);

const folder = mkdtempSync(join(tmpdir(), 'gatebridge-werkzeug-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ['res', 'shared', 'foo']) mkdirSync(join(folder, name));
writeFileSync(join(folder, 'res', 'test.txt'), 'FOUND\n');
writeFileSync(join(folder, 'res', 'hello.txt'), 'Hello World');
writeFileSync(join(folder, 'shared', 'debugger.js'), 'start();');
writeFileSync(join(folder, 'foo', 'äöü'), 'FOUND');

const filesOf = (name: string): Application => staticFiles(join(folder, name))(notFound);
const shared = validate(
  dispatch({
    '/': filesOf('res'),
    '/sources': filesOf('res'),
    '/pkg': filesOf('shared'),
    '/foo': filesOf('foo'),
  }),
);

const SHARED_DATA: readonly PortedCase[] = [
  { name: 'test_get_file_loader', differs: 'it is a private part of Werkzeug; `staticFiles` has none' },
  {
    name: 'test_shared_data_middleware: a list or a dict of directories',
    differs: '`staticFiles` has one directory; `dispatch` mounts several, the longest path first',
    run: () =>
      expect(() => staticFiles({ '/': 'res' } as never)).toThrow('Root must be the path of a directory'),
  },
  ...['/test.txt', '/sources/test.txt', '/foo/äöü'].map(
    (path): PortedCase => ({
      name: `test_shared_data_middleware: ${path}`,
      async run() {
        const { status, text, headers } = await askInProcess(shared, { path });
        expect([status, text.trim()]).toEqual(['200 OK', 'FOUND']);
        if (path.endsWith('.txt')) expect(headers.get('Content-Type')).toBe('text/plain; charset=utf-8');
      },
    }),
  ),
  {
    name: 'test_shared_data_middleware: /pkg/debugger.js, of a package',
    differs: 'JavaScript packages are directories; their path comes from `import.meta.resolve`',
    run: async () =>
      expect(await askInProcess(shared, { path: '/pkg/debugger.js' })).toMatchObject({ text: 'start();' }),
  },
  ...['/missing', '/pkg', '/pkg/', '/pkg/missing.txt'].map(
    (path): PortedCase => ({
      name: `test_shared_data_middleware: ${path}`,
      run: async () =>
        expect(await askInProcess(shared, { path })).toMatchObject({
          status: '404 NOT FOUND',
          text: 'NOT FOUND',
        }),
    }),
  ),
];

const NAME = { SERVER_NAME: 'example.org', SERVER_PORT: '80', HTTP_HOST: undefined };

const TRUSTED_HOSTS = (
  [
    ['a name', '.example.org', NAME, '200 OK'],
    ['another name', 'example.com', NAME, '400 Bad Request'],
    ['a name with a port', '.example.org', { ...NAME, SERVER_PORT: '8080' }, '200 OK'],
    ['another name with a port', '.example.com', { ...NAME, SERVER_PORT: '8080' }, '400 Bad Request'],
    ['Host', '.example.org', { HTTP_HOST: 'example.org' }, '200 OK'],
    ['another Host', 'example.com', { HTTP_HOST: 'example.org' }, '400 Bad Request'],
  ] as const
).map(
  ([name, host, environ, status]): PortedCase => ({
    name: `test_get_host_validate_trusted_hosts: ${name}`,
    run: async () =>
      expect(await askInProcess(allowedHosts([host])(mounted), { environ })).toMatchObject({ status }),
  }),
);

const FILES_ONLY = '`staticFiles` gives ranges, of files; there is no wrapper for other bodies';

/** A case of a range: how it is asked for, and what comes. */
const range = (name: string, path: string, field: string, text: string): PortedCase => ({
  name: `test_range_wrapper: ${name}`,
  async run() {
    const answer = await askInProcess(filesOf('res'), { path, headers: [['Range', `bytes=${field}`]] });
    expect([answer.status, answer.text]).toEqual(['206 Partial Content', text]);
  },
});

const WSGI: readonly PortedCase[] = [
  ...TRUSTED_HOSTS,
  range('4 octets from 6', '/hello.txt', '6-9', 'Worl'),
  {
    name: 'test_range_wrapper: no octet',
    differs: 'a Range field cannot ask for nothing; without content it gets a 416',
    async run() {
      const headers: [string, string][] = [['Range', 'bytes=11-']];
      const { status } = await askInProcess(filesOf('res'), { path: '/hello.txt', headers });
      expect(status).toMatch(/^416 /);
    },
  },
  range('100 octets from 6', '/hello.txt', '6-105', 'World'),
  ...['within chunks', 'across chunks', 'one octet'].map(
    (name): PortedCase => ({ name: `test_range_wrapper: a generator, ${name}`, differs: FILES_ONLY }),
  ),
  range('2 octets of a file', '/test.txt', '1-2', 'OU'),
  range('the rest of a file', '/test.txt', '2-', 'UND\n'),
  {
    name: 'test_closing_iterator',
    async run() {
      const closed: string[] = [];
      class Answering {
        readonly #start: StartResponse;
        constructor(_environ: Environ, startResponse: StartResponse) {
          this.#start = startResponse;
        }
        *[Symbol.iterator]() {
          this.#start('200 OK', [...TEXT]);
          yield 'some content';
        }
        close() {
          closed.push('inner');
        }
      }
      const application: Application = (environ, startResponse) => {
        const body: Body = new Answering(environ, startResponse);
        return wrapBody(body, undefined, () => closed.push('additional'));
      };
      expect((await askInProcess(application)).text).toBe('some content');
      expect(closed).toEqual(['inner', 'additional']);
    },
  },
];

declarePorted('Werkzeug test_proxy_fix', PROXY_FIX);
declarePorted('Werkzeug test_dispatcher', DISPATCHER);
declarePorted('Werkzeug test_shared_data', SHARED_DATA);
declarePorted('Werkzeug test_wsgi (hosts, ranges, bodies)', WSGI);
