/** The request that a handler gets: made of nothing but an environ, and like the runtime's own. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type FetchContext, type FetchEnv, fromFetch } from '../../../bridges/fetch/index.ts';
import type { Environ } from '../../../src/index.ts';
import { type BuildEnvironOptions, buildEnviron, MemoryErrors, runApp } from '../../../src/testing/index.ts';

interface Received {
  readonly request: Request;
  readonly env: FetchEnv;
  readonly context: FetchContext;
}

/** Gives what a handler gets for an environ. */
function received(environ: Environ, options?: Parameters<typeof fromFetch>[1]): Received {
  const calls: Received[] = [];
  const application = fromFetch((request, env, context) => {
    calls.push({ request, env, context });
    return new Response(null);
  }, options);
  void application(environ, () => async () => {});
  return calls[0] as Received;
}

function requestOf(path: string, options: BuildEnvironOptions = {}, own: Partial<Environ> = {}): Request {
  return received({ ...buildEnviron(path, options), ...own }).request;
}

/** The keys that PEP 3333 requires, and no others. */
function bareEnviron(content: string, own: Partial<Environ> = {}): Environ {
  const { 'wsgi.input': input, 'wsgi.errors': errors } = buildEnviron('/', { method: 'POST', content });
  return {
    REQUEST_METHOD: 'POST',
    SCRIPT_NAME: '',
    PATH_INFO: '/caf\xc3\xa9',
    QUERY_STRING: 'a=b',
    SERVER_NAME: 'site.test',
    SERVER_PORT: '8080',
    SERVER_PROTOCOL: 'HTTP/1.1',
    CONTENT_LENGTH: String(content.length),
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': 'http',
    'wsgi.input': { read: (size?: number | null) => input.read(size) } as Environ['wsgi.input'],
    'wsgi.errors': errors,
    'wsgi.multithread': false,
    'wsgi.multiprocess': false,
    'wsgi.run_once': false,
    ...own,
  };
}

describe('a request', () => {
  it('is a Request, with the members of one that was made without options', () => {
    const request = requestOf('/a');
    const real = new Request('http://127.0.0.1/a');
    expect(request).toBeInstanceOf(Request);
    expect(request.headers).toBeInstanceOf(Headers);
    expect(Object.prototype.toString.call(request)).toBe('[object Request]');
    for (const name of Object.keys(Object.getOwnPropertyDescriptors(Request.prototype))) {
      if (['constructor', 'url', 'headers', 'signal'].includes(name)) continue;
      const [ours, theirs] = [Reflect.get(request, name), Reflect.get(real, name)];
      if (typeof theirs === 'function') expect(ours, name).toBeTypeOf('function');
      else expect(ours, name).toEqual(theirs);
    }
    expect(inspect(request)).toContain("method: 'GET'");
  });

  it('needs nothing but the keys of PEP 3333, and reads with read(n) alone', async () => {
    const { request } = received(bareEnviron('{"a":1}'));
    expect(request.url).toBe('http://site.test:8080/caf%C3%A9?a=b');
    expect(request.headers.get('content-length')).toBe('7');
    expect(await request.json()).toEqual({ a: 1 });
    expect(request.signal.aborted).toBe(false);
    const { request: streamed } = received(bareEnviron('abc'));
    expect(await new Response(streamed.body).text()).toBe('abc');
  });

  it('never reads beyond CONTENT_LENGTH, nor without one unless the input ends by itself', async () => {
    const cut = (): Environ => bareEnviron('abcdef', { CONTENT_LENGTH: '3' });
    expect(await received(cut()).request.text()).toBe('abc');
    expect(await new Response(received(cut()).request.body).text()).toBe('abc');
    const { CONTENT_LENGTH: _, ...unknown } = bareEnviron('abc');
    expect(received(unknown).request.body).toBeNull();
    expect(await received({ ...unknown, 'wsgi.input_terminated': true }).request.text()).toBe('abc');
  });

  it('reads an input of middleware that gives small pieces, too many octets, or octets without a promise', async () => {
    const input = (pieces: readonly (string | Error)[], isLate: boolean): Environ => {
      const rest = [...pieces];
      const read = (): unknown => {
        const piece = rest.shift() ?? '';
        if (piece instanceof Error) throw piece;
        const octets = Buffer.from(piece);
        return isLate ? Promise.resolve(octets) : octets;
      };
      return bareEnviron('abcdef', { 'wsgi.input': { read } as unknown as Environ['wsgi.input'] });
    };
    for (const isLate of [true, false]) {
      for (const pieces of [['abcdef'], ['a', 'bc', 'def'], ['abcdefgh'], ['abc', 'defgh']])
        expect(await received(input(pieces, isLate)).request.text(), String(pieces)).toBe('abcdef');
      const { request } = received(input(['abc'], isLate));
      await expect(request.text()).rejects.toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
      await expect(request.json()).rejects.toThrow('already been read');
      for (const pieces of [[new Error('Broken')], ['a', new Error('Broken')]])
        await expect(received(input(pieces, isLate)).request.arrayBuffer()).rejects.toThrow('Broken');
    }
  });

  it('rejects, and does not throw, where no request of the runtime can be made', async () => {
    const request = received(bareEnviron('abc', { REQUEST_METHOD: 'TRACE' })).request;
    expect(request.body).toBeInstanceOf(ReadableStream);
    await expect(request.text()).rejects.toThrow(TypeError);
    await expect(request.json()).rejects.toThrow(TypeError);
  });

  it('fails a read of content that ends too early', async () => {
    const short = (): Request => received(bareEnviron('abc', { CONTENT_LENGTH: '9' })).request;
    await expect(short().text()).rejects.toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
    await expect(new Response(short().body).text()).rejects.toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
  });

  it('reads nothing before it is asked to, and gives no content of GET', async () => {
    let reads = 0;
    const read = async (): Promise<Uint8Array> => {
      reads += 1;
      return Buffer.alloc(0);
    };
    const input = { read } as unknown as Environ['wsgi.input'];
    const { request } = received(bareEnviron('', { CONTENT_LENGTH: '5', 'wsgi.input': input }));
    expect(request.body).toBeInstanceOf(ReadableStream);
    request.body?.getReader();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(reads).toBe(0);
    const get = requestOf('/', { method: 'GET', content: 'abc' });
    expect([get.body, await get.text()]).toEqual([null, '']);
  });
});

describe('content', () => {
  const post = (content: string | Uint8Array = 'café', contentType = 'text/plain'): Request =>
    requestOf('/', { method: 'POST', content, contentType });

  it('is read by each method', async () => {
    const octets = Buffer.from('café');
    expect(await post().text()).toBe('café');
    expect(Buffer.from(await post().arrayBuffer())).toEqual(octets);
    expect((await post().arrayBuffer()).byteLength).toBe(octets.length);
    expect(Buffer.from(await (post() as unknown as { bytes(): Promise<Uint8Array> }).bytes())).toEqual(
      octets,
    );
    const blob = await post().blob();
    expect([blob.type, await blob.text()]).toEqual(['text/plain', 'café']);
    const form = await post('a=1&b=%C3%A9', 'application/x-www-form-urlencoded').formData();
    expect([...form]).toEqual([
      ['a', '1'],
      ['b', 'é'],
    ]);
    expect(await post('\ufeff{"a":1}').json()).toEqual({ a: 1 });
    await expect(post('{').json()).rejects.toThrow(SyntaxError);
  });

  it('is read once', async () => {
    const readers: ((request: Request) => Promise<unknown>)[] = [
      (request) => request.text(),
      (request) => request.json(),
      (request) => request.formData(),
      (request) => request.arrayBuffer(),
      async (request) => request.body?.getReader(),
      async (request) => request.clone(),
      async (request) => new Request(request),
    ];
    for (const read of readers) {
      const request = post();
      await request.text();
      expect(request.bodyUsed).toBe(true);
      await expect(read(request), String(read)).rejects.toThrow(TypeError);
      const streamed = post();
      await streamed.body?.getReader().read();
      expect(streamed.bodyUsed).toBe(true);
      await expect(read(streamed), String(read)).rejects.toThrow(TypeError);
    }
  });

  it('is shared by a clone, and by requests that are made of it', async () => {
    const request = post();
    const clone = request.clone();
    expect([await request.text(), await clone.text()]).toEqual(['café', 'café']);
    const again = new Request(post(), { headers: { 'X-A': 'b' } });
    expect([again.method, again.headers.get('x-a'), await again.text()]).toEqual(['POST', 'b', 'café']);
    const other = new Request('http://other.test/x', post());
    expect([other.url, other.method, other.headers.get('content-type'), await other.text()]).toEqual([
      'http://other.test/x',
      'POST',
      'text/plain',
      'café',
    ]);
    const used = post();
    await used.text();
    expect(await new Request(used, { body: 'new', method: 'PUT' }).text()).toBe('new');
  });

  it('of a stream is a copy: its memory can be transferred', async () => {
    const shared = Buffer.from('abcdef');
    const environ = bareEnviron('', { CONTENT_LENGTH: '3' });
    environ['wsgi.input'] = { read: async () => shared.subarray(0, 3) } as unknown as Environ['wsgi.input'];
    const step = await received(environ).request.body?.getReader().read();
    structuredClone(step?.value?.buffer, { transfer: [step?.value?.buffer as ArrayBuffer] });
    expect(shared.toString()).toBe('abcdef');
  });
});

describe('headers', () => {
  it('are those of the environ, also after middleware has changed it', () => {
    const environ = buildEnviron('/', {
      headers: [
        ['X-A', '1'],
        ['X-A', '2'],
        ['Cookie', 'a=1'],
        ['Cookie', 'b=2'],
        ['X_Under', 'kept'],
      ],
    });
    environ.HTTP_X_NEW = ' caf\xc3\xa9 ';
    delete environ.HTTP_USER_AGENT;
    const { headers } = received(environ).request;
    expect(headers.get('x-a')).toBe('1, 2');
    expect(headers.get('COOKIE')).toBe('a=1; b=2');
    expect(headers.get('x-new')).toBe('caf\xc3\xa9');
    expect([headers.has('user-agent'), headers.get('none')]).toEqual([false, null]);
    expect(headers.get('x_under')).toBe('kept');
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-a': '1, 2',
      'x-new': 'caf\xc3\xa9',
      x_under: 'kept',
    });
    expect(Object.fromEntries(new Headers(headers))).toEqual(Object.fromEntries(headers));
    expect(() => headers.get('no name')).toThrow(TypeError);
  });

  it('can be changed, and requests that are made of it have the changes', () => {
    const request = requestOf('/', { headers: [['X-A', '1']] });
    request.headers.set('X-A', '2');
    expect(request.headers.get('x-a')).toBe('2');
    const copy = new Request(request);
    expect(copy.headers.get('x-a')).toBe('2');
    request.headers.append('X-A', '3');
    expect(request.headers.get('x-a')).toBe('2, 3');
    expect(request.clone().headers.get('x-a')).toBe('2, 3');
  });
});

describe('the URL', () => {
  it.each([
    ['/', 'http://127.0.0.1/'],
    ['/a?', 'http://127.0.0.1/a?'],
    ['/a%2Fb%20c?x=%20&y=a+b', 'http://127.0.0.1/a%2Fb%20c?x=%20&y=a+b'],
    ['//evil.test/x', 'http://127.0.0.1//evil.test/x'],
    ['/a/../b/./c', 'http://127.0.0.1/b/c'],
    ['/a/%2E%2e/b', 'http://127.0.0.1/b'],
    ['/a/..', 'http://127.0.0.1/'],
    ['/.well-known/x', 'http://127.0.0.1/.well-known/x'],
    ['/a..b/.../c?/../d', 'http://127.0.0.1/a..b/.../c?/../d'],
    ["/a'b?c'd", "http://127.0.0.1/a'b?c%27d"],
    ['/a\\b', 'http://127.0.0.1/a/b'],
    ['/a"<>^`{|}', new URL('http://127.0.0.1/a"<>^`{|}').href],
    ['/caf\xc3\xa9\xff?\xc3', 'http://127.0.0.1/caf%C3%A9%FF?%C3'],
    ['/%zz%', 'http://127.0.0.1/%zz%'],
  ])('of %j is %s', (target, url) => {
    const environ = buildEnviron('/', { headers: [['Host', '127.0.0.1']] });
    const [path = '', query = ''] = target.split(/\?(.*)/s);
    environ.REQUEST_URI = target;
    environ.PATH_INFO = unescapeOctets(path);
    environ.QUERY_STRING = query;
    expect(received(environ).request.url).toBe(url);
    expect(new URL(url).href).toBe(url);
    // A gateway that does not keep the target.
    delete environ.REQUEST_URI;
    if (!/%2F|%zz|\?$|[\\^|]/.test(target)) expect(received(environ).request.url).toBe(url);
  });

  it.each([
    ['site.test', 'http://site.test/'],
    ['SITE.test:80', 'http://site.test/'],
    ['site.test:8124', 'http://site.test:8124/'],
    ['[::1]:8124', 'http://[::1]:8124/'],
    ['user@evil.test', 'http://127.0.0.1:8124/'],
    ['evil.test/path?', 'http://127.0.0.1:8124/'],
    ['site.test:99999', 'http://127.0.0.1:8124/'],
    ['a b', 'http://127.0.0.1:8124/'],
    ['', 'http://127.0.0.1:8124/'],
  ])('of a request to Host %j is %s', (host, url) => {
    const environ = buildEnviron('/');
    Object.assign(environ, { HTTP_HOST: host, SERVER_NAME: '127.0.0.1', SERVER_PORT: '8124' });
    expect(received(environ).request.url).toBe(url);
    expect(received({ ...environ, 'wsgi.url_scheme': 'https' }).request.url).toBe(
      host === 'SITE.test:80' ? 'https://site.test:80/' : url.replace('http:', 'https:'),
    );
  });

  it('of a server without a name is that of this machine', () => {
    const environ = { ...buildEnviron('/x'), SERVER_NAME: '/run/socket', SERVER_PORT: '' };
    delete environ.HTTP_HOST;
    expect(received(environ).request.url).toBe('http://localhost/x');
  });

  it('lacks the mount, or has it with wholePath', () => {
    const environ = {
      ...buildEnviron('/b%2Fc?d'),
      SCRIPT_NAME: '/my shop',
      REQUEST_URI: '/my%20shop/b%2Fc?d',
    };
    environ.PATH_INFO = '/b/c';
    expect(new URL(received(environ).request.url).pathname).toBe('/b%2Fc');
    const whole = received(environ, { wholePath: true }).request;
    expect(new URL(whole.url).pathname).toBe('/my%20shop/b%2Fc');
    expect(new URL(received({ ...environ, PATH_INFO: '' }).request.url).pathname).toBe('/');
  });

  it('of the asterisk-form has no path', () => {
    const environ = { ...buildEnviron('/', { method: 'OPTIONS' }), PATH_INFO: '*', REQUEST_URI: '*' };
    expect(new URL(received(environ).request.url).pathname).toBe('/');
  });
});

describe('the other arguments', () => {
  it('are the environ with the members of env, and a context', async () => {
    const environ = buildEnviron('/');
    const { env, context } = received(environ, { env: { DB: 'db', environ: 'mine' } });
    expect(env).toEqual({ DB: 'db', environ });
    expect(env.environ).toBe(environ);
    context.passThroughOnException();
    expect(context.props).toEqual({});
  });

  it('take the pairs of the option environ', () => {
    const environ = buildEnviron('/', { headers: [['X-A', '1']] });
    const pairs = (seen: Environ) => ({ HTTP_X_A: undefined, HTTP_X_B: seen.HTTP_X_A, REMOTE_USER: 'ada' });
    const { env, request } = received(environ, { environ: pairs });
    expect(env.environ.REMOTE_USER).toBe('ada');
    expect([request.headers.get('x-a'), request.headers.get('x-b')]).toEqual([null, '1']);
    expect([environ.HTTP_X_A, environ.REMOTE_USER]).toEqual(['1', undefined]);
  });

  it('let work go on after the response, and log its failure', async () => {
    const application = fromFetch((request, _env, context) => {
      context.waitUntil(Promise.reject(new Error('late work')));
      // h3 looks for it there.
      (request as unknown as FetchContext).waitUntil(Promise.reject(new Error('event work')));
      context.waitUntil(undefined);
      return new Response('x');
    });
    const errors = new MemoryErrors();
    const response = await runApp(application, { ...buildEnviron('/'), 'wsgi.errors': errors });
    expect(response.statusCode).toBe(200);
    await expect.poll(() => errors.text).toMatch(/late work[\s\S]*event work/);
  });
});

it('leaves the globals alone with wrapGlobals: false', () => {
  // Another test file of this process may have wrapped them: a global of its own shows it.
  const own = class extends Request {};
  const before = globalThis.Request;
  globalThis.Request = own;
  fromFetch(() => new Response(null), { wrapGlobals: false });
  expect(globalThis.Request).toBe(own);
  globalThis.Request = before;
});

function unescapeOctets(path: string): string {
  return path.replace(/%([0-9A-Fa-f]{2})/g, (_all, code) => String.fromCharCode(Number.parseInt(code, 16)));
}
