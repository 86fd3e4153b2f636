import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEnviron, type EnvironOptions } from '../../src/gateway/environ.ts';
import type { GatewayRequest } from '../../src/port.ts';
import type { Environ } from '../../src/wsgi.ts';

function environ(request: Partial<GatewayRequest>, options?: EnvironOptions): Environ {
  return createEnviron(
    {
      method: 'GET',
      target: '/',
      protocol: 'HTTP/1.1',
      rawHeaders: [],
      scheme: 'http',
      serverName: '127.0.0.1',
      serverPort: '8124',
      ...request,
    },
    options,
  );
}

// This test must come first: the others fill the memory of names.
describe('createEnviron: names of fields', () => {
  it('does not confuse names with the same low octets', () => {
    environ({ rawHeaders: ['X-Twins-Of-B-\u0141', '1'] });
    expect(environ({ rawHeaders: ['X-Twins-Of-B-A', '1'] })).toHaveProperty('HTTP_X_TWINS_OF_B_A', '1');
  });
});

describe('createEnviron: the request target', () => {
  it.each([
    ['/', '/', ''],
    ['/p%61th/?query=test', '/path/', 'query=test'],
    ['/%80', '/\x80', ''],
    ['/%E4%BD%A0', '/\xe4\xbd\xa0', ''],
    ['/%zz%4', '/%zz%4', ''],
    ['/a%2Fb?x=%2F', '/a/b', 'x=%2F'],
    ['//a//b', '//a//b', ''],
    ['/a/../b/./c', '/a/../b/./c', ''],
    ['/a?b?c#d?e', '/a', 'b?c'],
    ['/a#?b', '/a', ''],
    ['/?', '/', ''],
    ['*', '*', ''],
    ['http://h:81/p?q', '/p', 'q'],
    ['http://h', '/', ''],
    ['http://h?q', '/', 'q'],
    ['example.org:443', '', ''],
  ])('splits %s', (target, path, query) => {
    const made = environ({ target });
    expect([made.SCRIPT_NAME, made.PATH_INFO, made.QUERY_STRING]).toEqual(['', path, query]);
    expect([made.REQUEST_URI, made.RAW_URI]).toEqual([target, target]);
  });

  it.each([
    ['/m', '', '/m', ''],
    ['/m', '/', '/m', '/'],
    ['/m/', '/x?y', '/m', '/x'],
    ['/caf%C3%A9', '/%C3%A9', '/caf\xc3\xa9', '/\xc3\xa9'],
    ['', '/x', '', '/x'],
    ['/', '/x', '', '/x'],
  ])('takes the mount %j and the rest %j unchanged', (mount, url, scriptName, pathInfo) => {
    const made = environ({ target: '/whatever', mount, url });
    expect([made.SCRIPT_NAME, made.PATH_INFO]).toEqual([scriptName, pathInfo]);
    expect(made.REQUEST_URI).toBe('/whatever');
  });

  it('lets the authority of an absolute-form target replace Host', () => {
    const made = environ({ target: 'http://user@h:81/p', rawHeaders: ['Host', 'other'] });
    expect(made.HTTP_HOST).toBe('h:81');
  });

  it('makes native strings of any target that a server lets through', () => {
    const target = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    });
    fc.assert(
      fc.property(target, (rest) => {
        const made = environ({ target: `/${rest}` });
        expect(made.PATH_INFO).toMatch(/^\/[\0-\xff]*$/);
        expect(made.QUERY_STRING).not.toContain('#');
      }),
    );
  });
});

describe('createEnviron: fields', () => {
  it('joins repeats in order, Cookie with a semicolon', () => {
    const made = environ({
      rawHeaders: [
        'X-A',
        '1',
        'Cookie',
        'a=1',
        'x-a',
        '2',
        'cookie',
        'b=2',
        'User-Agent',
        'u',
        'user-agent',
        'v',
      ],
    });
    expect(made.HTTP_X_A).toBe('1, 2');
    expect(made.HTTP_COOKIE).toBe('a=1; b=2');
    expect(made.HTTP_USER_AGENT).toBe('u, v');
  });

  it('stores Content-Type and Content-Length only under their own names', () => {
    const made = environ({ rawHeaders: ['content-TYPE', 'text/plain', 'Content-Length', '5'] });
    expect(made).toMatchObject({ CONTENT_TYPE: 'text/plain', CONTENT_LENGTH: '5' });
    expect(Object.keys(made).filter((key) => key.startsWith('HTTP_'))).toEqual([]);
  });

  it.each(['Host', 'Content-Type', 'Content-Length'])('refuses a repeated %s', (name) => {
    expect(() => environ({ rawHeaders: [name, '1', name.toLowerCase(), '1'] })).toThrow(
      expect.objectContaining({ code: 'WSGI_ERR_FIELD_REPEATED', statusCode: 400 }),
    );
  });

  it('drops names with an underscore by default', () => {
    const rawHeaders = ['X_Foo', 'evil'];
    expect(environ({ rawHeaders })).not.toHaveProperty('HTTP_X_FOO');
    expect(environ({ rawHeaders }, { underscoreHeaders: 'allow' }).HTTP_X_FOO).toBe('evil');
    // An unknown word lets nothing through.
    const misspelt = { underscoreHeaders: 'Refuse' } as unknown as EnvironOptions;
    expect(environ({ rawHeaders }, misspelt).HTTP_X_FOO).toBeUndefined();
    expect(() => environ({ rawHeaders }, { underscoreHeaders: 'refuse' })).toThrow(
      expect.objectContaining({ statusCode: 400 }),
    );
  });

  it('never lets a forged name set a reserved variable', () => {
    const rawHeaders = [
      'Content_Length',
      '5',
      'Content_Type',
      'x',
      'Proxy',
      'http://evil',
      ':authority',
      'x',
    ];
    const made = environ({ rawHeaders }, { underscoreHeaders: 'allow' });
    expect(Object.keys(made).filter((key) => /^(HTTP_|CONTENT_)/.test(key))).toEqual([]);
  });

  it('remembers names without confusing them', () => {
    for (let index = 0; index < 3000; index += 1) environ({ rawHeaders: [`X-Name-${index}`, 'v'] });
    expect(environ({ rawHeaders: ['X-Name-7', 'seven', 'X-Name-2999', 'last'] })).toMatchObject({
      HTTP_X_NAME_7: 'seven',
      HTTP_X_NAME_2999: 'last',
    });
  });
});

describe('createEnviron: the rest', () => {
  it('sets addresses as CGI does', () => {
    const made = environ({ serverName: '::1', remoteAddress: '::ffff:10.0.0.1', remotePort: '5' });
    expect(made).toMatchObject({ SERVER_NAME: '[::1]', REMOTE_ADDR: '10.0.0.1', REMOTE_PORT: '5' });
    expect(environ({ remoteAddress: 'fe80::1' }).REMOTE_ADDR).toBe('fe80::1');
    expect('REMOTE_ADDR' in environ({})).toBe(false);
  });

  it('sets HTTPS over TLS only', () => {
    expect(environ({ scheme: 'https' })).toMatchObject({ HTTPS: 'on', 'wsgi.url_scheme': 'https' });
    expect('HTTPS' in environ({})).toBe(false);
  });

  it('gives each request an object of its own that a spread copies completely', () => {
    const request = { rawHeaders: ['A', '1'], extensions: { 'x.y': 1 } };
    const first = environ(request);
    expect(Object.getPrototypeOf(first)).toBe(Object.prototype);
    expect({ ...first }).toEqual(first);
    expect(
      Object.values(Object.getOwnPropertyDescriptors(first)).every((d) => 'value' in d && d.writable),
    ).toBe(true);
    expect(environ(request)['wsgi.input']).not.toBe(first['wsgi.input']);
    expect(first['x.y']).toBe(1);
  });

  it('has a string in every key without a dot, and no variable of the operating system', () => {
    const made = environ({ rawHeaders: ['A', '1'] });
    for (const [key, value] of Object.entries(made)) {
      if (!key.includes('.')) expect(typeof value).toBe('string');
    }
    expect(made).not.toHaveProperty('PATH');
  });

  it('gives the environ option priority', () => {
    expect(environ({}, { environ: { SERVER_NAME: 'example.org', 'my.key': 1 } })).toMatchObject({
      SERVER_NAME: 'example.org',
      'my.key': 1,
    });
  });
});
