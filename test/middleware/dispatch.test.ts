import { describe, expect, it } from 'vitest';
import { dispatch, mapPath } from '../../src/middleware/index.ts';
import { buildEnviron } from '../../src/testing/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE } from './kit.ts';

const named =
  (name: string): Application =>
  (environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [`${name} [${environ.SCRIPT_NAME}] [${environ.PATH_INFO}]`];
  };

const site = dispatch(
  {
    '/test1': named('one'),
    '/test1/deep/': named('deep'),
    '/café': named('café'),
    '//admin.example.com/': named('admin'),
    '//admin.example.com/test1': named('admin one'),
    '//.example.com': named('any'),
    '//[::1]:8080/': named('literal'),
    '//example.org:8080/': named('port'),
  },
  { default: named('rest') },
);

describe('dispatch', () => {
  it.each([
    ['/test1', 'one [/test1] []'],
    ['/test1/', 'one [/test1] [/]'],
    ['/test1/asfd', 'one [/test1] [/asfd]'],
    ['/test1/asfd?x=/test1/deep', 'one [/test1] [/asfd]'],
    ['/test1x', 'rest [] [/test1x]'],
    ['/test1/deep', 'deep [/test1/deep] []'],
    ['/test1/deeper', 'one [/test1] [/deeper]'],
    ['/TEST1', 'rest [] [/TEST1]'],
    ['//test1', 'rest [] [//test1]'],
    ['/', 'rest [] [/]'],
    ['/caf%C3%A9/au', 'café [/caf\xc3\xa9] [/au]'],
  ])('%s', async (path, text) => {
    expect((await askInProcess(site, { path })).text).toBe(text);
  });

  it.each([
    ['admin.example.com', '/', 'admin [] [/]'],
    ['ADMIN.Example.com.:8080', '/x', 'admin [] [/x]'],
    ['admin.example.com', '/test1/x', 'admin one [/test1] [/x]'],
    ['www.example.com', '/test1', 'any [] [/test1]'],
    ['example.com', '/', 'any [] [/]'],
    ['badexample.com', '/', 'rest [] [/]'],
    ['[::1]:8080', '/', 'literal [] [/]'],
    ['[::1]', '/', 'rest [] [/]'],
    ['example.org:8080', '/', 'port [] [/]'],
    ['example.org', '/', 'rest [] [/]'],
    ['admin.example.com/..', '/', 'rest [] [/]'],
    ['user@admin.example.com', '/', 'rest [] [/]'],
  ])('host %s, path %s', async (host, path, text) => {
    expect((await askInProcess(site, { path, headers: [['Host', host]] })).text).toBe(text);
  });

  it('takes the server name without Host', async () => {
    const environ = { HTTP_HOST: '', SERVER_NAME: 'www.example.com' };
    expect((await askInProcess(site, { environ })).text).toBe('any [] [/]');
  });

  it('answers 404 without a default', async () => {
    const answer = await askInProcess(dispatch({ '/a': named('a') }), { path: '/<b>' });
    expect(answer.status).toBe('404 Not Found');
    expect(answer.text).toBe('Not Found\n');
  });

  it('adds to the mount that is there', async () => {
    const nested = dispatch({ '/a': dispatch({ '/b': named('ab'), '/': named('root') }) });
    expect((await askInProcess(nested, { path: '/a/b/c' })).text).toBe('ab [/a/b] [/c]');
    expect((await askInProcess(nested, { path: '/a' })).text).toBe('root [/a] []');
  });

  it('gives OPTIONS * to the root', async () => {
    const root = dispatch({ '/': named('root') });
    expect((await askInProcess(root, { path: '*', method: 'OPTIONS' })).text).toBe('root [] [*]');
  });

  it('does not alter the environ of its caller', () => {
    const environ = buildEnviron('/test1/x');
    const before = { ...environ };
    void site(environ, () => async () => {});
    expect(environ).toEqual(before);
  });

  it.each(EVERYWHERE)('runs %s, %s', async (_form, _host, application, ask) => {
    expect((await ask(dispatch({ '/x': application }), { path: '/x/y' })).text).toBe('Hello world');
  });

  it('refuses what is no mount and what is no application', () => {
    expect(() => dispatch({ shop: named('x') })).toThrow(
      "Mount must be '/path' or '//host/path', not \"shop\"",
    );
    expect(() => dispatch({ '//a@b/': named('x') })).toThrow('Host must be a name');
    expect(() => dispatch({ '//bücher.example/': named('x') })).toThrow('xn--');
    expect(() => dispatch({ '/a': 5 as never })).toThrow('Application must be');
    expect(() => dispatch({}, { default: 5 as never })).toThrow('Option default must be an application');
    expect(() => dispatch({}, { fallback: named('x') } as never)).toThrow('Option fallback is unknown');
  });
});

describe('mapPath', () => {
  const mapped = mapPath('/admin', named('admin'))(named('rest'));

  it.each([
    ['/admin', 'admin [/admin] []'],
    ['/admin/x', 'admin [/admin] [/x]'],
    ['/administrator', 'rest [] [/administrator]'],
  ])('%s', async (path, text) => {
    expect((await askInProcess(mapped, { path })).text).toBe(text);
  });

  it.each(Object.entries(APPLICATIONS))('runs %s on either side', async (_form, application) => {
    const both = mapPath('/x', application)(application);
    for (const path of ['/x', '/']) expect((await askInProcess(both, { path })).text).toBe('Hello world');
  });
});
