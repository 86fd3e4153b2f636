/** The cases of the rules for the call and the environ. */

import type { ENVIRON_RULES } from '../../../src/validate/environ-rules.ts';
import type { Environ } from '../../../src/wsgi.ts';
import { byServer, environ, key, type RuleCase, server } from './kit.ts';

/** An application comes to see the environ after the validator. */
const servers = byServer('the server makes the environ');

const accessor = (name: string, value: unknown) =>
  environ('an accessor', (ours) => {
    Object.defineProperty(ours, name, { get: () => value, enumerable: true });
  });

export const ENVIRON_CASES: Readonly<Record<keyof typeof ENVIRON_RULES, RuleCase>> = {
  'environ-187-arguments': servers(
    server('one argument', ({ call, environ: ours }) => Reflect.apply(call, undefined, [ours])),
    server('three arguments', ({ call, environ: ours, startResponse }) =>
      Reflect.apply(call, undefined, [ours, startResponse, 3]),
    ),
    server('no function', ({ call, environ: ours }) => Reflect.apply(call, undefined, [ours, {}])),
  ),
  'environ-1-plain-object': servers(
    environ('an object of a class', (ours) => Object.assign(new (class Environment {})(), ours)),
    environ('an array', (ours) => Object.assign([], ours)),
    environ('an object that is not extensible', (ours) => Object.preventExtensions(ours)),
    environ('nothing', () => null),
    environ('a string', () => 'environ'),
  ).butRight(
    environ('a null prototype', (ours) => Object.assign(Object.create(null), ours)),
    environ('a copy', (ours) => ({ ...ours })),
  ),
  'environ-1-plain-properties': servers(
    accessor('REMOTE_USER', 'emma'),
    environ('a property that is not enumerable', (ours) => {
      Object.defineProperty(ours, 'x.hidden', { value: 1, writable: true });
    }),
    environ('a property that is read-only', (ours) => {
      Object.defineProperty(ours, 'x.fixed', { value: 1, enumerable: true });
    }),
  ),
  'environ-2-string-keys': servers(
    environ('a symbol', (ours) => Object.assign(ours, { [Symbol('private')]: 1 })),
  ),
  'environ-3-required-keys': servers(
    ...['REQUEST_METHOD', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL'].map((name) => key(name)),
    ...['wsgi.multithread', 'wsgi.multiprocess', 'wsgi.run_once'].map((name) => key(name)),
  ),
  'environ-4-string-values': servers(
    key('REMOTE_PORT', 8124),
    key('REMOTE_USER', null),
    environ('undefined', (ours) => Object.assign(ours, { REMOTE_HOST: undefined })),
    key('HTTP_X_LIST', ['a', 'b']),
  ).butRight(key('x.number', 1), key('x.nothing', null)),
  'environ-5-native-strings': servers(
    key('HTTP_X_NAME', '\u4e2d'),
    key('PATH_INFO', '/\u4e2d'),
    key('QUERY_STRING', 'q=\u20ac'),
  ).butRight(key('PATH_INFO', '/\xe4\xb8\xad'), key('x.name', '\u4e2d')),
  'environ-6-content-keys': servers(key('HTTP_CONTENT_TYPE', 'text/plain'), key('HTTP_CONTENT_LENGTH', '3')),
  'environ-7-query-string': servers(key('QUERY_STRING')).butRight(key('QUERY_STRING', '')),
  'environ-8-version': servers(
    key('wsgi.version', '1.0'),
    key('wsgi.version', [1]),
    key('wsgi.version', [2, 0]),
    key('wsgi.version', [1, 0, 0]),
  ),
  'environ-9-url-scheme': servers(
    key('wsgi.url_scheme', 'gopher'),
    key('wsgi.url_scheme', 'https:'),
  ).butRight(key('wsgi.url_scheme', 'https')),
  'environ-10-method': servers(key('REQUEST_METHOD', ''), key('REQUEST_METHOD', 'GET /')),
  'environ-10-known-method': servers(key('REQUEST_METHOD', 'get'), key('REQUEST_METHOD', 'BREW')).butRight(
    key('REQUEST_METHOD', 'PROPFIND'),
    key('REQUEST_METHOD', 'M-SEARCH'),
    key('REQUEST_METHOD', 'QUERY'),
  ),
  'environ-11-script-name-slash': servers(key('SCRIPT_NAME', 'shop')),
  'environ-12-script-name-root': servers(key('SCRIPT_NAME', '/')),
  'environ-13-script-name-end': servers(key('SCRIPT_NAME', '/shop/')).butRight(key('SCRIPT_NAME', '/shop')),
  'environ-14-path-info-slash': servers(key('PATH_INFO', 'books'), key('PATH_INFO', '*')).butRight(
    environ('OPTIONS *', (ours) => Object.assign(ours, { REQUEST_METHOD: 'OPTIONS', PATH_INFO: '*' })),
    environ('a mount', (ours) => Object.assign(ours, { SCRIPT_NAME: '/shop', PATH_INFO: '' })),
  ),
  'environ-15-path': servers(key('PATH_INFO', ''), key('PATH_INFO')).butRight(
    environ('a mount', (ours) => {
      ours.SCRIPT_NAME = '/shop';
      Reflect.deleteProperty(ours, 'PATH_INFO');
    }),
  ),
  'environ-16-path-only': servers(
    environ('the query', (ours) => withTarget(ours, '/a?b=c', '/a?b=c', 'b=c')),
    environ('the query, without a target', (ours) => withTarget(ours, undefined, '/a?b=c', 'b=c')),
    environ('the fragment', (ours) => withTarget(ours, '/a#b', '/a#b', '')),
  ).butRight(
    environ('an encoded question mark', (ours) => withTarget(ours, '/a%3fb', '/a?b', '')),
    environ('an encoded number sign', (ours) => withTarget(ours, '/a%23b', '/a#b', '')),
    environ('a rewritten path', (ours) => withTarget(ours, undefined, '/a?b', 'c')),
  ),
  'environ-17-content-length': servers(
    key('CONTENT_LENGTH', '-1'),
    key('CONTENT_LENGTH', '0x5'),
    key('CONTENT_LENGTH', '5, 5'),
    key('CONTENT_LENGTH', 'xcii'),
  ).butRight(key('CONTENT_LENGTH', '0'), key('CONTENT_LENGTH', '')),
  'environ-18-server-name': servers(
    key('SERVER_NAME', ''),
    key('SERVER_NAME', '::1'),
    key('SERVER_NAME', 'a.test:80'),
    key('SERVER_NAME', 'a test'),
  ).butRight(key('SERVER_NAME', '[::1]'), key('SERVER_NAME', '[fe80::1]'), key('SERVER_NAME', 'my_host')),
  'environ-18-server-port': servers(key('SERVER_PORT', ''), key('SERVER_PORT', 'http')),
  'environ-19-server-protocol': servers(
    key('SERVER_PROTOCOL', 'HTTP'),
    key('SERVER_PROTOCOL', 'http/1.1'),
  ).butRight(key('SERVER_PROTOCOL', 'HTTP/2'), key('SERVER_PROTOCOL', 'HTTP/1.0')),
  'environ-20-host': servers(
    key('HTTP_HOST', 'a.test/path'),
    key('HTTP_HOST', 'a.test, b.test'),
    key('HTTP_HOST', 'user@a.test'),
    key('HTTP_HOST', 'a.test:http'),
  ).butRight(key('HTTP_HOST', '[::1]:8124'), key('HTTP_HOST', ''), key('HTTP_HOST', 'a.test:')),
  'environ-21-input': servers(
    key('wsgi.input', ''),
    key('wsgi.input', { read: async () => new Uint8Array() }),
    environ('no iteration', (ours) => {
      const read = async (): Promise<Uint8Array> => new Uint8Array();
      Object.assign(ours, { 'wsgi.input': { read, readline: read, readlines: async () => [] } });
    }),
  ),
  'environ-21-errors': servers(
    key('wsgi.errors', ''),
    key('wsgi.errors', { write() {} }),
    key('wsgi.errors', console),
  ),
  'environ-22-extensions': servers(
    key('wsgi.file_wrapper', true),
    key('gateway.signal', AbortSignal.abort()),
    key('gateway.early_hints', []),
  ),
};

function withTarget(ours: Environ, target: string | undefined, path: string, query: string): void {
  if (target !== undefined) ours.REQUEST_URI = target;
  Object.assign(ours, { PATH_INFO: path, QUERY_STRING: query });
}
