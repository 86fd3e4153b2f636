/** The cases of Client that follow redirects. */
import { expect } from 'vitest';
import { readBody, requestUri } from '../../../src/index.ts';
import { type ClientOptions, createClient } from '../../../src/testing/index.ts';
import type { PortedCase } from '../../support/ported.ts';
import { redirecting, TEXT, telling } from './kit.ts';

/** A case of a redirect that repeats the request, or turns it into GET. */
const redirectBody = (status: string, keeps: boolean): PortedCase => ({
  name: `test_follow_redirect_body: ${status}`,
  async run() {
    const inner = telling(async (environ) =>
      [
        environ.REQUEST_METHOD,
        environ.HTTP_X_FOO,
        requestUri(environ),
        Buffer.from(await readBody(environ)).toString(),
      ].join(' '),
    );
    const moved = redirecting({ '/': 'http://localhost/some/redirect/' }, status);
    const client = createClient((environ, startResponse) =>
      (environ.PATH_INFO === '/' ? moved : inner)(environ, startResponse),
    );
    const form = { foo: 'bar' };
    const response = await client.post('/', { followRedirects: true, form, headers: { 'X-Foo': 'bar' } });
    expect([response.statusCode, await response.text()]).toEqual([
      200,
      `${keeps ? 'POST' : 'GET'} bar http://localhost/some/redirect/ ${keeps ? 'foo=bar' : ''}`,
    ]);
  },
});

const SOME = { '/': 'http://localhost/some/redirect/', '/first/request': 'http://localhost/some/redirect/' };

const follow = (path: string): PortedCase => ({
  name: `test_follow_redirect: ${path}`,
  async run() {
    const response = await createClient(redirecting(SOME)).get(path, { followRedirects: true });
    expect([response.status, await response.text()]).toEqual(['200 OK', 'http://localhost/some/redirect/']);
  },
});

const leaving = async (options: ClientOptions, location: string): Promise<void> => {
  const client = createClient(redirecting({ '/': location }), options);
  await expect(client.get('/', { followRedirects: true })).rejects.toThrow(/leaves the application/);
};

export const REDIRECT_CASES: readonly PortedCase[] = [
  follow('/'),
  follow('/first/request'),
  {
    name: 'test_follow_local_redirect',
    async run() {
      const client = createClient(redirecting({ '/from/location': '/to/location' }));
      const response = await client.get('/from/location', { followRedirects: true });
      expect([response.statusCode, response.request.PATH_INFO]).toEqual([200, '/to/location']);
    },
  },
  redirectBody('302 Found', false),
  redirectBody('301 Moved Permanently', false),
  redirectBody('307 Temporary Redirect', true),
  redirectBody('308 Permanent Redirect', true),
  { name: 'test_follow_external_redirect', run: () => leaving({}, 'http://example.com/') },
  {
    name: 'test_follow_external_redirect_on_same_subdomain: allowed',
    differs:
      'a client has one application at one origin; a redirect to a subdomain is asked for by its absolute URL',
    async run() {
      await leaving({ baseUrl: 'http://example.com' }, 'http://test.example.com/login');
      const { request } = await createClient(redirecting({})).get('http://test.example.com/login');
      expect(request.HTTP_HOST).toBe('test.example.com');
    },
  },
  {
    name: 'test_follow_external_redirect_on_same_subdomain: another domain',
    run: () => leaving({ baseUrl: 'http://localhost' }, 'http://test.example.com/login'),
  },
  {
    name: 'test_follow_external_redirect_on_same_subdomain: not allowed',
    run: () => leaving({ baseUrl: 'http://example.com' }, 'http://test.example.com/login'),
  },
  {
    name: 'test_follow_redirect_loop',
    async run() {
      const loop = redirecting({ '/': '/some/redirect/', '/some/redirect/': '/some/redirect/' });
      await expect(createClient(loop).get('/', { followRedirects: true })).rejects.toThrow('Redirect loop');
    },
  },
  {
    name: 'test_follow_redirect_non_root_base_url',
    async run() {
      const client = createClient(redirecting({ '/redirect': 'done' }), {
        baseUrl: 'http://localhost/other',
      });
      const { request } = await client.get('/redirect', { followRedirects: true });
      expect([request.SCRIPT_NAME, request.PATH_INFO]).toEqual(['/other', '/done']);
    },
  },
  {
    name: 'test_follow_redirect_exhaust_intermediate',
    async run() {
      let active = 0;
      const inner = redirecting(SOME);
      const client = createClient(function* (environ, startResponse) {
        expect(active).toBe(0);
        active += 1;
        try {
          // `redirecting` answers arrays.
          yield* inner(environ, startResponse) as Uint8Array[];
        } finally {
          active -= 1;
        }
      });
      const response = await client.get('/', { followRedirects: true, buffered: false });
      expect(await response.text()).toBe('http://localhost/some/redirect/');
      expect(active).toBe(0);
    },
  },
  {
    name: 'test_redirects_are_tracked',
    async run() {
      const client = createClient(redirecting({ '/first': '/second', '/second': '/third' }, '303 See Other'));
      const { history } = await client.get('/first', { followRedirects: true });
      const facts = history.map(({ request, statusCode, headers, history: before }) => ({
        path: request.PATH_INFO,
        statusCode,
        location: headers.get('Location'),
        before: before.map((earlier) => history.indexOf(earlier)),
      }));
      expect(facts).toEqual([
        { path: '/first', statusCode: 303, location: '/second', before: [] },
        { path: '/second', statusCode: 303, location: '/third', before: [0] },
      ]);
    },
  },
  {
    name: 'test_cookie_across_redirect',
    async run() {
      const fields: Readonly<Record<string, string>> = {
        '/in': 'auth=in; Path=/',
        '/out': 'auth=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/',
      };
      const client = createClient((environ, startResponse) => {
        const field = fields[environ.PATH_INFO];
        if (field === undefined) return telling(() => environ.HTTP_COOKIE ?? 'out')(environ, startResponse);
        startResponse('303 See Other', [...TEXT, ['Location', '/'], ['Set-Cookie', field]]);
        return [];
      });
      const followed = async (path: string) => (await client.get(path, { followRedirects: true })).text();
      const told: string[] = [];
      for (const path of ['/', '/in', '/', '/out', '/']) told.push(await followed(path));
      expect(told).toEqual(['out', 'auth=in', 'auth=in', 'out', 'out']);
    },
  },
];
