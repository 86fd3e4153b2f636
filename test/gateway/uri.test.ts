import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePath } from '../../src/gateway/native-string.ts';
import {
  applicationUri,
  guessScheme,
  rawPathInfo,
  requestUri,
  shiftPathInfo,
} from '../../src/gateway/uri.ts';
import type { Environ } from '../../src/wsgi.ts';

/** The defaults of wsgiref's setup_testing_defaults that concern URIs. */
function environWith(changes: Partial<Environ>): Environ {
  const scheme = guessScheme(changes);
  const defaults = {
    SERVER_NAME: '127.0.0.1',
    SERVER_PORT: scheme === 'https' ? '443' : '80',
    HTTP_HOST: changes.SERVER_NAME ?? '127.0.0.1',
    SCRIPT_NAME: '',
    PATH_INFO: 'SCRIPT_NAME' in changes || 'PATH_INFO' in changes ? '' : '/',
    QUERY_STRING: '',
    'wsgi.url_scheme': scheme,
  };
  // The tested functions use no other keys.
  return { ...defaults, ...changes } as Environ;
}

describe('guessScheme()', () => {
  it.each([
    [{}, 'http'],
    [{ HTTPS: 'foo' }, 'http'],
    [{ HTTPS: 'off' }, 'http'],
    [{ HTTPS: '' }, 'http'],
    [{ HTTPS: 'on' }, 'https'],
    [{ HTTPS: 'yes' }, 'https'],
    [{ HTTPS: '1' }, 'https'],
  ])('takes %j as %s', (environ, scheme) => {
    expect(guessScheme(environ)).toBe(scheme);
  });
});

describe('applicationUri()', () => {
  it.each<[Partial<Environ>, string]>([
    [{}, 'http://127.0.0.1/'],
    [{ SCRIPT_NAME: '/spam' }, 'http://127.0.0.1/spam'],
    [{ SCRIPT_NAME: '/sp\xe4m' }, 'http://127.0.0.1/sp%E4m'],
    [{ HTTP_HOST: 'spam.example.com:2071' }, 'http://spam.example.com:2071/'],
    [{ SERVER_NAME: 'spam.example.com' }, 'http://spam.example.com/'],
    [{ HTTP_HOST: '127.0.0.1', SERVER_NAME: 'spam.example.com' }, 'http://127.0.0.1/'],
    [{ HTTPS: 'on' }, 'https://127.0.0.1/'],
    [{ SERVER_PORT: '8000', HTTP_HOST: '' }, 'http://127.0.0.1:8000/'],
    [{ SERVER_PORT: '80', HTTP_HOST: '' }, 'http://127.0.0.1/'],
    [{ SERVER_PORT: '443', HTTP_HOST: '' }, 'http://127.0.0.1:443/'],
    [{ SERVER_PORT: '443', HTTP_HOST: '', HTTPS: 'on' }, 'https://127.0.0.1/'],
    [{ SERVER_NAME: '[::1]', SERVER_PORT: '8000', HTTP_HOST: '' }, 'http://[::1]:8000/'],
  ])('gives the URI for %j: %s', (changes, uri) => {
    expect(applicationUri(environWith(changes))).toBe(uri);
  });
});

describe('requestUri()', () => {
  it.each<[Partial<Environ>, string]>([
    [{}, 'http://127.0.0.1/'],
    [{ SCRIPT_NAME: '/spam' }, 'http://127.0.0.1/spam'],
    [{ SCRIPT_NAME: '/sp\xe4m' }, 'http://127.0.0.1/sp%E4m'],
    [{ PATH_INFO: '/sp\xe4m' }, 'http://127.0.0.1/sp%E4m'],
    [{ SCRIPT_NAME: '/spammity', PATH_INFO: '/spam' }, 'http://127.0.0.1/spammity/spam'],
    [{ SCRIPT_NAME: '/spammity', PATH_INFO: '/sp\xe4m' }, 'http://127.0.0.1/spammity/sp%E4m'],
    [{ SCRIPT_NAME: '/spammity', PATH_INFO: '/spam;ham' }, 'http://127.0.0.1/spammity/spam;ham'],
    [
      { SCRIPT_NAME: '/spammity', PATH_INFO: '/spam;cookie=1234,5678' },
      'http://127.0.0.1/spammity/spam;cookie=1234,5678',
    ],
    [
      { SCRIPT_NAME: '/spammity', PATH_INFO: '/spam', QUERY_STRING: 'say=ni' },
      'http://127.0.0.1/spammity/spam?say=ni',
    ],
    [
      { SCRIPT_NAME: '/spammity', PATH_INFO: '/spam', QUERY_STRING: 's%E4y=ni' },
      'http://127.0.0.1/spammity/spam?s%E4y=ni',
    ],
    [{ PATH_INFO: '/a?b' }, 'http://127.0.0.1/a%3Fb'],
  ])('gives the URI for %j: %s', (changes, uri) => {
    expect(requestUri(environWith(changes))).toBe(uri);
  });

  it('omits the query if told to', () => {
    const environ = environWith({ SCRIPT_NAME: '/spammity', PATH_INFO: '/spam', QUERY_STRING: 'say=ni' });
    expect(requestUri(environ, false)).toBe('http://127.0.0.1/spammity/spam');
  });
});

describe('a Host that is no host', () => {
  const foreign = [
    'good/public?',
    'good#',
    'user@evil',
    '"><script>',
    'a b',
    'a:b',
    'a\\b',
    '[::1',
    '[x]',
    'a:1:2',
    'a/',
    ':80',
    '%zz',
  ];

  it.each(foreign)('never becomes part of a URL: %s', (HTTP_HOST) => {
    const environ = environWith({
      HTTP_HOST,
      SERVER_NAME: 'site.test',
      SERVER_PORT: '8000',
      PATH_INFO: '/admin',
    });
    expect(requestUri(environ)).toBe('http://site.test:8000/admin');
    expect(applicationUri(environ)).toBe('http://site.test:8000/');
  });

  it.each(['a.test', 'a.test:1', '127.0.0.1:80', '[::1]:80', '[v1.a:b]', 'caf%C3%A9', 'a_b', 'a:'])(
    'stays where it is one: %s',
    (HTTP_HOST) => {
      expect(applicationUri(environWith({ HTTP_HOST }))).toBe(`http://${HTTP_HOST}/`);
    },
  );
});

describe('shiftPathInfo()', () => {
  it.each<[string, string, string | null, string, string]>([
    ['', '/', '', '/', ''],
    ['', '/x', 'x', '/x', ''],
    ['/', '', null, '/', ''],
    ['/a', '/x/y', 'x', '/a/x', '/y'],
    ['/a', '/x/', 'x', '/a/x', '/'],
    ['/a/b', '/../y', '..', '/a', '/y'],
    ['', '/../y', '..', '', '/y'],
    ['/a/b', '//y', 'y', '/a/b/y', ''],
    ['/a/b', '//y/', 'y', '/a/b/y', '/'],
    ['/a/b', '/./y', 'y', '/a/b/y', ''],
    ['/a/b', '/./y/', 'y', '/a/b/y', '/'],
    ['/a/b', '///./..//y/.//', '..', '/a', '/y/'],
    ['/a/b', '///', '', '/a/b/', ''],
    ['/a/b', '/.//', '', '/a/b/', ''],
    ['/a/b', '/x//', 'x', '/a/b/x', '/'],
    ['/a/b', '/.', null, '/a/b', ''],
    ['/a', '*', null, '/a', '*'],
  ])('turns (%j, %j) into %j and leaves (%j, %j)', (script, path, segment, scriptAfter, pathAfter) => {
    const environ = { SCRIPT_NAME: script, PATH_INFO: path };
    expect(shiftPathInfo(environ)).toBe(segment);
    expect(environ).toEqual({ SCRIPT_NAME: scriptAfter, PATH_INFO: pathAfter });
  });

  it('ends on every path', () => {
    const anyPath = fc
      .string({ unit: fc.constantFrom('/', '.', 'a'), maxLength: 30 })
      .map((path) => `/${path}`);
    fc.assert(
      fc.property(anyPath, (path) => {
        const environ = { SCRIPT_NAME: '', PATH_INFO: path };
        let shifts = 0;
        while (shiftPathInfo(environ) !== null) shifts += 1;
        expect(environ.PATH_INFO).toBe('');
        expect(shifts).toBeLessThanOrEqual(path.length);
      }),
    );
  });
});

describe('rawPathInfo()', () => {
  it.each<[string, string, string, string]>([
    ['/shop/a%2Fb?x', '/shop', '/a/b', '/a%2Fb'],
    ['/a%2Fb#c', '', '/a/b', '/a%2Fb'],
    ['/caf%C3%A9/a%2Fb', '/caf\xc3\xa9', '/a/b', '/a%2Fb'],
    ['/%zz/%', '/%zz', '/%', '/%'],
    ['/shop', '/shop', '', ''],
    ['http://h:81/shop/a%2Fb?q', '/shop', '/a/b', '/a%2Fb'],
    ['http://h:81', '', '/', '/'],
    ['//a//b', '', '//a//b', '//a//b'],
    ['*', '', '*', '*'],
  ])('reads %s below %j as %j', (target, script, path, raw) => {
    expect(rawPathInfo({ REQUEST_URI: target, SCRIPT_NAME: script, PATH_INFO: path })).toBe(raw);
  });

  it('quotes PATH_INFO if the target was rewritten or is missing', () => {
    expect(rawPathInfo({ REQUEST_URI: '/old', SCRIPT_NAME: '', PATH_INFO: '/new \xe9' })).toBe('/new%20%E9');
    expect(rawPathInfo({ REQUEST_URI: '/apple/x', SCRIPT_NAME: '/app', PATH_INFO: '/x' })).toBe('/x');
    expect(rawPathInfo({ SCRIPT_NAME: '', PATH_INFO: '/a%b' })).toBe('/a%25b');
  });

  it('always decodes to PATH_INFO and restores the target below each of its prefixes', () => {
    const anyPath = fc.string({
      unit: fc.constantFrom('/', '%2F', '%41', 'a', '%', '%C3%A9'),
      maxLength: 20,
    });
    fc.assert(
      fc.property(anyPath, anyPath, (mount, rest) => {
        const environ = {
          REQUEST_URI: `${mount}${rest}`,
          SCRIPT_NAME: decodePath(mount),
          PATH_INFO: decodePath(rest),
        };
        const raw = rawPathInfo(environ);
        expect(decodePath(raw)).toBe(environ.PATH_INFO);
        // An escaped slash that begins the path is one.
        // Skips mounts that split an escape: a router never cuts a path there.
        if (decodePath(environ.REQUEST_URI) === environ.SCRIPT_NAME + environ.PATH_INFO)
          expect(raw).toBe(rest.replace(/^%2F/, '/'));
      }),
    );
  });
});
