import express from 'express';
import { describe, expect, it } from 'vitest';
import { readText } from '../../src/index.ts';
import { type ClientRequestOptions, createClient } from '../../src/testing/index.ts';
import type { Application, ApplicationFunction, HeaderList } from '../../src/wsgi.ts';

/** Answers with a description of the request. */
const describing: ApplicationFunction = async (environ, startResponse) => {
  const { REQUEST_METHOD, SCRIPT_NAME, PATH_INFO, QUERY_STRING, CONTENT_TYPE, HTTP_COOKIE, HTTP_X_A } =
    environ;
  const content = await readText(environ);
  startResponse('200 OK', [['Content-Type', 'application/json']]);
  const path = SCRIPT_NAME + PATH_INFO;
  const fields = { type: CONTENT_TYPE, cookie: HTTP_COOKIE, a: HTTP_X_A };
  return [JSON.stringify({ method: REQUEST_METHOD, path, query: QUERY_STRING, content, ...fields })];
};

/** Redirects from `/to/<status>?<location>`, and describes all other requests. */
const redirecting: ApplicationFunction = async (environ, startResponse) => {
  const [, statusCode] = /^\/to\/(\d+)$/.exec(environ.PATH_INFO) ?? [];
  if (statusCode === undefined) return describing(environ, startResponse);
  startResponse(`${statusCode} Elsewhere`, [['Location', decodeURIComponent(environ.QUERY_STRING)]]);
  return ['elsewhere'];
};

/** Redirects from `/3` to `/2`, and so on to `/0`. */
const counting: ApplicationFunction = (environ, startResponse) => {
  const left = Number(environ.PATH_INFO.slice(1));
  startResponse(
    left === 0 ? '204 No Content' : '303 See Other',
    left === 0 ? [] : [['Location', `/${left - 1}`]],
  );
  return [];
};

/** Sets the cookies that the query lists. */
const setting: Application = async (environ, startResponse) => {
  const cookies = decodeURIComponent(environ.QUERY_STRING).split('|').filter(Boolean);
  startResponse(
    '200 OK',
    cookies.map((cookie): [string, string] => ['Set-Cookie', cookie]),
  );
  return [environ.HTTP_COOKIE ?? 'none'];
};

const set = (...cookies: string[]): ClientRequestOptions => ({
  query: encodeURIComponent(cookies.join('|')),
});

describe('createClient()', () => {
  it.each<[name: string, common: string, options: ClientRequestOptions, key: string, value: string]>([
    ['a header', 'User-Agent', { headers: { 'user-agent': 'own' } }, 'HTTP_USER_AGENT', 'own'],
    [
      'both lines of a header',
      'X-A',
      {
        headers: [
          ['X-A', '1'],
          ['X-A', '2'],
        ],
      },
      'HTTP_X_A',
      '1, 2',
    ],
    ['Host', 'Host', { headers: { Host: 'own' } }, 'HTTP_HOST', 'own'],
    ['Content-Type', 'Content-Type', { headers: { 'Content-Type': 'own/own' } }, 'CONTENT_TYPE', 'own/own'],
    ['contentType', 'Content-Type', { contentType: 'own/own' }, 'CONTENT_TYPE', 'own/own'],
    ['contentLength', 'Content-Length', { content: 'abc', contentLength: 3 }, 'CONTENT_LENGTH', '3'],
    ['auth', 'Authorization', { auth: 'Own x' }, 'HTTP_AUTHORIZATION', 'Own x'],
    ['nothing', 'X-A', {}, 'HTTP_X_A', 'common'],
  ])('replaces what the client sends by %s of the request', async (_name, common, options, key, value) => {
    let seen: unknown;
    const client = createClient(
      (environ, startResponse) => {
        seen = environ[key];
        startResponse('204 No Content', []);
        return [];
      },
      { headers: { [common]: 'common' }, validate: false },
    );
    await client.get('/', options);
    expect(seen).toBe(value);
  });

  it.each(['get', 'head', 'post', 'put', 'patch', 'delete', 'options'] as const)(
    'has the verb %s',
    async (verb) => {
      const response = await createClient(describing)[verb]('/path?q', { headers: { 'X-A': '1' } });
      expect(response.request).toMatchObject({ REQUEST_METHOD: verb.toUpperCase(), PATH_INFO: '/path' });
      if (verb === 'head') expect(await response.text()).toBe('');
      else expect(await response.json()).toMatchObject({ method: verb.toUpperCase(), query: 'q', a: '1' });
    },
  );

  it('sends its own headers with every request', async () => {
    const headers: HeaderList = [['X-A', 'client']];
    const client = createClient(describing, { headers, baseUrl: 'http://a.test/mount' });
    const response = await client.post('/x', { json: [1], headers: [['X-B', 'request']] });
    expect(await response.json()).toMatchObject({
      path: '/mount/x',
      a: 'client',
      content: '[1]',
      type: 'application/json',
    });
  });

  it('iterates the body only as it is read, without a buffer', async () => {
    let steps = 0;
    const client = createClient(async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      for (;;) {
        steps += 1;
        yield `${steps}`;
      }
    });
    const response = await client.get('/', { buffered: false });
    // The first step calls startResponse.
    expect(steps).toBe(1);
    for await (const chunk of response.body) {
      if (String(chunk) === '3') break;
    }
    expect(steps).toBe(3);
    await response.close();
  });

  it('refuses a value that is not an application at once', () => {
    expect(() => createClient(5 as never)).toThrow(TypeError);
    expect(() => createClient(express() as never)).toThrow('fromExpress(app)');
  });

  it('throws what the application throws', async () => {
    const error = new Error('audit');
    await expect(createClient(() => Promise.reject(error)).get()).rejects.toBe(error);
  });
});

describe('redirects', () => {
  const to = (statusCode: number, location: string): string =>
    `/to/${statusCode}?${encodeURIComponent(location)}`;

  it('are not followed unless asked for', async () => {
    const response = await createClient(redirecting).get(to(302, '/x'));
    expect([response.statusCode, await response.text(), response.history]).toEqual([302, 'elsewhere', []]);
  });

  it.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'POST', 'GET', ''],
    [307, 'POST', 'POST', 'content'],
    [308, 'POST', 'POST', 'content'],
    [301, 'PUT', 'PUT', 'content'],
    [302, 'DELETE', 'DELETE', 'content'],
    [303, 'PUT', 'GET', ''],
    [302, 'GET', 'GET', 'content'],
  ])('%i turns %s into %s', async (statusCode, method, expected, content) => {
    const client = createClient(redirecting);
    const options = {
      content: 'content',
      contentType: 'text/plain',
      headers: { 'X-A': '1' },
      followRedirects: true,
    };
    const response = await client.request(method, to(statusCode, '/x?y'), options);
    expect(await response.json()).toMatchObject({
      method: expected,
      path: '/x',
      query: 'y',
      content,
      a: '1',
    });
    expect(await response.json()).toEqual(
      content === '' ? expect.not.objectContaining({ type: 'text/plain' }) : expect.anything(),
    );
    expect(response.history.map((earlier) => earlier.statusCode)).toEqual([statusCode]);
    expect(await response.history[0]?.text()).toBe('elsewhere');
  });

  it('tells of each redirect which came before it', async () => {
    const { history } = await createClient(counting, { followRedirects: true }).get('/3');
    const before = history.map((response) => response.history.map((earlier) => history.indexOf(earlier)));
    expect(before).toEqual([[], [0], [0, 1]]);
  });

  it('303 repeats HEAD', async () => {
    const response = await createClient(redirecting, { followRedirects: true }).head(to(303, '/x'));
    expect(response.request).toMatchObject({ REQUEST_METHOD: 'HEAD', PATH_INFO: '/x' });
    expect(response.history).toHaveLength(1);
  });

  it.each([
    ['relative', 'y', '/mount/to/y'],
    ['relative to the query', '?z', '/mount/to/302'],
    ['absolute', 'http://localhost/mount/a%20b', '/mount/a b'],
    ['to the mount', '/mount', '/mount'],
    ['with a fragment', '/mount/x#y', '/mount/x'],
  ])('may be %s', async (_name, location, path) => {
    const client = createClient(describingOnce(), {
      baseUrl: 'http://localhost/mount',
      followRedirects: true,
    });
    const response = await client.get(to(302, location));
    expect(await response.json()).toMatchObject({ path });
  });

  it.each([
    ['another host', 'http://other.test/mount/'],
    ['another port', 'http://localhost:81/mount/'],
    ['another scheme', 'https://localhost/mount/'],
    ['above the mount', '/'],
    ['beside the mount', '/mounted'],
  ])('to %s fail', async (_name, location) => {
    const client = createClient(redirecting, { baseUrl: 'http://localhost/mount', followRedirects: true });
    await expect(client.get(to(302, location))).rejects.toThrow(/^Redirect leaves the application/);
  });

  it('in a loop fail, and close every body', async () => {
    let closes = 0;
    const client = createClient((environ, startResponse) => {
      startResponse('302 Found', [['Location', environ.PATH_INFO === '/a' ? '/b' : '/a']]);
      return Object.assign(['x'], { close: () => (closes += 1) });
    });
    await expect(client.get('/a', { followRedirects: true })).rejects.toThrow(/^Redirect loop/);
    expect(closes).toBe(3);
  });

  it('fail when content that is read once should be sent again', async () => {
    const client = createClient(redirecting, { followRedirects: true });
    const content = [Buffer.from('a')].values();
    await expect(client.post(to(307, '/x'), { content })).rejects.toThrow(/^Content that is read once/);
  });

  /** Redirects the first time only. */
  function describingOnce(): Application {
    let count = 0;
    return (environ, startResponse) => (count++ === 0 ? redirecting : describing)(environ, startResponse);
  }
});

describe('cookies', () => {
  it('are kept and sent', async () => {
    const client = createClient(setting);
    await client.get('/', set('a=1', 'b=2; Path=/; HttpOnly'));
    expect(await (await client.get('/')).text()).toBe('a=1; b=2');
    expect(await (await client.get('/', { headers: { Cookie: 'own=0' } })).text()).toBe('own=0; a=1; b=2');
    await client.get('/', set('a=3'));
    expect(client.cookies.get('a')).toBe('3');
  });

  it('belong to a path', async () => {
    const client = createClient(setting);
    await client.get('/a/b', set('here=1', 'below=2; Path=/a/b', 'root=3; Path=/'));
    expect(await (await client.get('/a/x')).text()).toBe('here=1; root=3');
    expect(await (await client.get('/a/b/c')).text()).toBe('below=2; here=1; root=3');
    expect(await (await client.get('/a/bc')).text()).toBe('here=1; root=3');
    expect(await (await client.get('/ab')).text()).toBe('root=3');
  });

  it('belong to a domain', async () => {
    const client = createClient(setting);
    await client.get(
      'http://www.a.test/',
      set('host=1', 'domain=2; Domain=.a.test', 'evil=3; Domain=b.test'),
    );
    expect(await (await client.get('http://www.a.test/')).text()).toBe('host=1; domain=2');
    expect(await (await client.get('http://x.a.test/')).text()).toBe('domain=2');
    expect(await (await client.get('http://xa.test/')).text()).toBe('none');
    expect(await (await client.get('http://b.test/')).text()).toBe('none');
  });

  it.each(['Max-Age=0', 'Max-Age=-1', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT'])(
    'are deleted by %s',
    async (attribute) => {
      const client = createClient(setting);
      await client.get('/', set('a=1'));
      await client.get('/', set(`a=; ${attribute}`));
      expect([...client.cookies]).toEqual([]);
    },
  );

  it('expire by Max-Age rather than Expires', async () => {
    const client = createClient(setting);
    await client.get('/', set('a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT'));
    expect(client.cookies.get('a')).toBe('1');
  });

  it('can be set and deleted by a test', async () => {
    const client = createClient(setting);
    client.cookies.set('a', '1');
    client.cookies.set('b', '2', { path: '/b' });
    expect(await (await client.get('/')).text()).toBe('a=1');
    expect(await (await client.get('/b')).text()).toBe('b=2; a=1');
    client.cookies.delete('a');
    expect(await (await client.get('/b')).text()).toBe('b=2');
    client.cookies.clear();
    expect(await (await client.get('/b')).text()).toBe('none');
  });

  it('can be switched off', async () => {
    const client = createClient(setting, { cookies: false });
    await client.get('/', set('a=1'));
    expect(await (await client.get('/')).text()).toBe('none');
  });

  it('are taken from redirects too', async () => {
    const client = createClient((environ, startResponse) => {
      if (environ.PATH_INFO === '/') {
        startResponse('302 Found', [
          ['Location', '/next'],
          ['Set-Cookie', 'a=1'],
        ]);
        return [];
      }
      startResponse('200 OK', []);
      return [environ.HTTP_COOKIE ?? 'none'];
    });
    expect(await (await client.get('/', { followRedirects: true })).text()).toBe('a=1');
  });
});
