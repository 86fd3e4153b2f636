import { describe, expect, it } from 'vitest';
import { readText } from '../../src/index.ts';
import { buildEnviron, createClient, fromEnviron } from '../../src/testing/index.ts';
import type { Application, Environ } from '../../src/wsgi.ts';

/** Builds an environ again from its description. */
function again(environ: Environ): Environ {
  const { path, ...options } = fromEnviron(environ);
  return buildEnviron(path, options);
}

/** The keys that can be compared. */
function plain(environ: Environ): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(environ).filter(
      ([key, value]) => ['string', 'boolean'].includes(typeof value) || key === 'app.user',
    ),
  );
}

describe('fromEnviron()', () => {
  it.each<[string, Environ]>([
    ['the least request', buildEnviron()],
    ['an encoded path', buildEnviron('/a%2Fb/%C3%A9//c?x=%20&y', { baseUrl: 'https://a.test:8443/m%20n' })],
    ['an empty path below a mount', buildEnviron('', { baseUrl: 'http://a.test/m' })],
    ['OPTIONS *', buildEnviron('*', { method: 'OPTIONS' })],
    ['an IPv6 address', buildEnviron('/', { baseUrl: 'http://[::1]:81/' })],
    [
      'headers, credentials and cookies',
      buildEnviron('/', {
        auth: { user: 'a', password: 'b' },
        headers: [
          ['X-A', '1'],
          ['x-a', '2'],
          ['Cookie', 'a=b'],
          ['Host', 'b.test'],
        ],
      }),
    ],
    ['content', buildEnviron('/', { method: 'POST', json: { a: 1 } })],
    [
      'content of an unknown length',
      buildEnviron('/', { method: 'PUT', content: [Buffer.from('a')], contentType: 'text/x' }),
    ],
    ['content without octets', buildEnviron('/', { method: 'POST', content: '' })],
    [
      'flags and keys of its own',
      buildEnviron('/', {
        protocol: 'HTTP/1.0',
        remoteAddress: '10.0.0.1',
        multithread: true,
        multiprocess: true,
        runOnce: true,
        environ: { REMOTE_USER: 'emma', REMOTE_PORT: '7', 'app.user': { name: 'emma' } },
      }),
    ],
  ])('describes %s', async (_name, environ) => {
    const copy = again(environ);
    expect(plain(copy)).toEqual(plain(environ));
    expect(copy['wsgi.errors']).toBe(environ['wsgi.errors']);
    const text = await readText(again(copy));
    if (environ.CONTENT_TYPE === undefined) expect(text).toBe('');
    else expect(['{"a":1}', 'a']).toContain(text);
  });

  it('leaves out what belongs to a host', () => {
    const environ = buildEnviron('/', { environ: { 'node.req': {}, 'gateway.x': 1 } });
    expect(fromEnviron(environ).environ).toEqual({});
  });

  it('sends a request again, with a change', async () => {
    const application: Application = async (environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [Buffer.from(`${environ.REQUEST_METHOD} ${environ.QUERY_STRING} ${environ.HTTP_X_A}`)];
    };
    const first = await createClient(application).get('/path?x=1', { headers: { 'X-A': 'b' } });
    const { path, baseUrl, method, ...options } = fromEnviron(first.request);
    const client = createClient(application, { baseUrl });
    const response = await client.request(method, path, { ...options, query: 'x=2' });
    expect(await response.text()).toBe('GET x=2 b');
  });
});
