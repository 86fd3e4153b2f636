import { describe, expect, it } from 'vitest';
import { redirectedEnviron } from '../../../bridges/_cgi/local-redirect.ts';
import { createEnviron } from './environ.ts';

const posted = createEnviron(
  ['Host', 'site.test', 'Content-Type', 'a/b', 'Content-Length', '3', 'Cookie', 'a=1', 'Range', 'bytes=0-1'],
  [() => Buffer.from('abc')],
);

describe('redirectedEnviron()', () => {
  it('makes a GET without content', async () => {
    const environ = redirectedEnviron(posted, '/shop/caf%C3%A9?b=%20', 'mount');
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '/shop',
      PATH_INFO: '/caf\xc3\xa9',
      QUERY_STRING: 'b=%20',
      REQUEST_URI: '/shop/caf%C3%A9?b=%20',
      HTTP_HOST: 'site.test',
      HTTP_COOKIE: 'a=1',
      'gateway.raw_headers': ['Host', 'site.test', 'Cookie', 'a=1'],
    });
    for (const key of ['CONTENT_TYPE', 'CONTENT_LENGTH', 'HTTP_RANGE'])
      expect(environ).not.toHaveProperty(key);
    expect(await environ?.['wsgi.input'].read()).toHaveLength(0);
    expect(posted.REQUEST_METHOD).toBe('POST');
  });

  it('keeps HEAD', () => {
    expect(redirectedEnviron({ ...posted, REQUEST_METHOD: 'HEAD' }, '/shop/x', 'mount')?.REQUEST_METHOD).toBe(
      'HEAD',
    );
  });

  it.each([
    ['/shop', ''],
    ['/shop/', '/'],
    ['/shop/x', '/x'],
    ['/shop?x', ''],
    ['/shopping', undefined],
    ['/', undefined],
    ['/other/shop', undefined],
  ])('finds %s below the mount: %j', (location, path) => {
    expect(redirectedEnviron(posted, location, 'mount')?.PATH_INFO).toBe(path);
  });

  it('finds every path in the site', () => {
    const environ = redirectedEnviron(posted, '/shopping?x', 'site');
    expect(environ).toMatchObject({ SCRIPT_NAME: '', PATH_INFO: '/shopping', QUERY_STRING: 'x' });
  });

  it('ends a loop', () => {
    let environ = posted;
    const redirect = (): void => {
      environ = redirectedEnviron(environ, '/shop/x', 'mount') ?? posted;
    };
    for (let count = 0; count < 10; count += 1) redirect();
    expect(redirect).toThrow(expect.objectContaining({ code: 'WSGI_ERR_UPSTREAM_MALFORMED' }));
  });
});
