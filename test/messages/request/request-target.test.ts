import { describe, expect, it } from 'vitest';
import { fullUrl, mountUrl, requestUrl } from '../../../src/messages/request/request-target.ts';
import type { Environ } from '../../../src/wsgi.ts';

/** An environ with the variables that matter here. */
function environ(uri: string | undefined, script: string, path: string, query = ''): Environ {
  const facts = { SCRIPT_NAME: script, PATH_INFO: path, QUERY_STRING: query };
  return (uri === undefined ? facts : { ...facts, REQUEST_URI: uri }) as Environ;
}

describe('requestUrl', () => {
  it.each([
    ['/', '', '/', '', '/'],
    ['/a/b?x=1', '', '/a/b', 'x=1', '/a/b?x=1'],
    ['/?', '', '/', '', '/?'],
    ['/caf%C3%A9', '', '/caf\xc3\xa9', '', '/caf%C3%A9'],
    ['/a%2Fb', '', '/a/b', '', '/a%2Fb'],
    ['//a//b', '', '//a//b', '', '//a//b'],
    ['/100%', '', '/100%', '', '/100%'],
    ['*', '', '*', '', '*'],
    ['host.test:443', '', '', '', 'host.test:443'],
    ['http://host.test/p?q', '', '/p', 'q', 'http://host.test/p?q'],
    ['http://host.test', '', '/', '', 'http://host.test'],
    ['http://host.test?q', '', '/', 'q', 'http://host.test?q'],
    ['http://host.test?', '', '/', '', 'http://host.test?'],
    ['http://host.test', '', '/', 'q', 'http://host.test/?q'],
    ['http://host.test', '/x', '/', '', 'http://host.test/'],
    ['/x', '/x', '', '', '/'],
    ['/x?q', '/x', '', 'q', '/?q'],
    ['/x/', '/x', '/', '', '/'],
    ['/x/a%2Fb?', '/x', '/a/b', '', '/a%2Fb?'],
    ['/caf%C3%A9/a%20b?q', '/caf\xc3\xa9', '/a b', 'q', '/a%20b?q'],
    ['http://host.test/x/y', '/x', '/y', '', 'http://host.test/y'],
    ['/api%2F@evil.example/x', '/api', '/@evil.example/x', '', '/@evil.example/x'],
    ['/a%2fb%2Fc', '/a', '/b/c', 'q', '/b%2Fc?q'],
    ['%2Fa', '', '/a', '', '/a'],
    ['/old', '', '/new path', 'q=1', '/new%20path?q=1'],
    [undefined, '', '/a b/\xe9', 'q=%20', '/a%20b/%E9?q=%20'],
    [undefined, '/x', '', '', '/'],
  ])('reads %s, mounted at %j, %j with query %j, as %s', (uri, script, path, query, url) => {
    expect(requestUrl(environ(uri, script, path, query))).toBe(url);
  });
});

describe('fullUrl and mountUrl', () => {
  it.each([
    ['/x/a?q', '/x', '/a', 'q', '/x/a?q', '/x'],
    ['/', '', '/', '', '/', ''],
    ['/caf%c3%a9', '/caf\xc3\xa9', '', '', '/caf%c3%a9', '/caf%c3%a9'],
    ['http://host.test/x/y', '/x', '/y', '', 'http://host.test/x/y', '/x'],
    ['/a%2Fb/c', '/a/b', '/c', '', '/a%2Fb/c', '/a%2Fb'],
    ['/api%2F@evil/x', '/api', '/@evil/x', '', '/api%2F@evil/x', '/api'],
    ['/else', '/a b', '/c', '', '/else', '/a%20b'],
    [undefined, '/a b', '/c', 'q', '/a%20b/c?q', '/a%20b'],
  ])('read %s, mounted at %j', (uri, script, path, query, full, mount) => {
    expect(fullUrl(environ(uri, script, path, query))).toBe(full);
    expect(mountUrl(environ(uri, script, path, query))).toBe(mount);
  });
});
