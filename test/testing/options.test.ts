/** Options of requests, of the client and of environs: what is given is heard or refused. */
import { describe, expect, it } from 'vitest';
import { Headers as OwnHeaders, readText } from '../../src/index.ts';
import {
  type BuildEnvironOptions,
  buildEnviron,
  createClient,
  MemoryErrors,
  runApp,
} from '../../src/testing/index.ts';
import type { Application, ApplicationFunction } from '../../src/wsgi.ts';

/** Answers with the value of a key of the environ. */
const naming =
  (key: string): ApplicationFunction =>
  (environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return [Buffer.from(String(environ[key]))];
  };

describe('an unknown option is refused, with the likely one', () => {
  it.each([
    ['header', 'headers'],
    ['body', 'content, json or form'],
    ['data', 'content or form'],
    ['params', 'query'],
    ['Json', 'json'],
    ['fomr', 'form'],
    ['heders', 'headers'],
    ['envron', 'environ'],
  ])('%s: %s', async (name, likely) => {
    expect(() => buildEnviron('/', { [name]: 'x' })).toThrow(`did you mean ${likely}?`);
    await expect(createClient(naming('PATH_INFO')).get('/', { [name]: 'x' })).rejects.toThrow(
      `did you mean ${likely}?`,
    );
  });

  it('of a client and of a run', async () => {
    expect(() => createClient(naming('PATH_INFO'), { cookie: true } as object)).toThrow(
      'did you mean cookies?',
    );
    expect(() => createClient(naming('PATH_INFO'), { follow: true } as object)).toThrow('followRedirects');
    await expect(runApp(naming('PATH_INFO'), buildEnviron(), { bufferd: true } as object)).rejects.toThrow(
      'did you mean buffered?',
    );
    expect(() => buildEnviron('/', { strange: 1 } as object)).toThrow(
      /^Option strange is unknown here; known are [^?]*$/,
    );
  });
});

describe('headers', () => {
  it.each<[string, BuildEnvironOptions['headers']]>([
    ['pairs', [['X-A', '1']]],
    ['an object', { 'X-A': '1' }],
    ['a Map', new Map([['X-A', '1']])],
    ['Headers', new OwnHeaders([['X-A', '1']])],
    ['Headers of fetch', new Headers({ 'X-A': '1' })],
  ])('may be %s, for a request and for a client', async (_name, headers) => {
    expect(buildEnviron('/', { headers }).HTTP_X_A).toBe('1');
    const client = createClient(naming('HTTP_X_A'), { headers });
    expect(await (await client.get('/')).text()).toBe('1');
    expect(await (await client.get('/', { headers: { 'X-A': '2' } })).text()).toBe('2');
    const response = await createClient(naming('HTTP_X_A')).get('/', { headers });
    expect(await response.text()).toBe('1');
  });

  it.each([
    [{ 'X-A': 5 }, "Header X-A must be a string, not number; pass '5'"],
    [{ 'X-A': undefined }, 'Header X-A must be a string, not undefined'],
    [{ 'X-A': ['a', 'b'] }, 'pass one [name, value] pair for each'],
    [[['X-A']], 'must have [name, value] pairs'],
    [{ 'X A': '1' }, 'must be a token'],
    [{ 'X-A': 'a\r\nb' }, /has a control character: "a\\r\\nb"$/],
    [{ 'X-A': '€' }, 'has a character above U+00FF: "€"; encodeNative(text) makes UTF-8 of it'],
    ['X-A: 1', 'must be pairs'],
  ])('%j are refused', (headers, message) => {
    expect(() => buildEnviron('/', { headers: headers as never })).toThrow(message);
  });
});

describe('arguments in the wrong place', () => {
  const site = naming('HTTP_X_A');
  it.each<[what: string, call: () => unknown, message: string]>([
    [
      'a path in options',
      async () => buildEnviron({ path: '/' } as never),
      "Path must be a string such as '/'",
    ],
    ['no environ', () => runApp(site, undefined as never), "runApp(application, buildEnviron('/'))"],
    ['a path for an environ', () => runApp(site, '/' as never), "runApp(application, buildEnviron('/'))"],
    [
      'a cookie as an object',
      async () => createClient(site).cookies.set({ name: 'a', value: 'b' } as never, undefined as never),
      "as in set('user', 'emma')",
    ],
  ])('%s is told', async (_what, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });
});

describe('a form of FormData', () => {
  it('has a length, and arrives', async () => {
    const form = new FormData();
    form.append('na"me', 'line\nend');
    form.append('file', new File([Buffer.alloc(100_000, 'x')], 'é "1".txt', { type: 'text/plain' }));
    const environ = buildEnviron('/', { method: 'POST', form });
    const content = Buffer.from(await environ['wsgi.input'].read());
    expect(environ.CONTENT_LENGTH).toBe(String(content.length));
    const headers = { 'Content-Type': environ.CONTENT_TYPE ?? '' };
    const parsed = await new Response(content, { headers }).formData();
    expect(parsed.get('na"me')).toBe('line\r\nend');
    expect(parsed.get('file')).toMatchObject({ name: 'é "1".txt', size: 100_000, type: 'text/plain' });
  });
});

describe('the environ', () => {
  it('has what EnvironBuilder can set', async () => {
    const environ = buildEnviron('/', {
      contentLength: 9,
      content: [Buffer.from('a')],
      multithread: true,
      multiprocess: true,
      runOnce: true,
      remoteAddress: '192.0.2.1',
      trailers: { 'X-Sum': '1' },
    });
    expect(environ).toMatchObject({
      CONTENT_LENGTH: '9',
      REMOTE_ADDR: '192.0.2.1',
      'wsgi.multithread': true,
      'wsgi.multiprocess': true,
      'wsgi.run_once': true,
    });
    expect(environ.HTTP_TRANSFER_ENCODING).toBeUndefined();
    expect(await environ['gateway.trailers']?.()).toEqual([['X-Sum', '1']]);
  });

  it('has keys and errors of the client', async () => {
    const errors = new MemoryErrors();
    const client = createClient(
      (environ, startResponse) => {
        environ['wsgi.errors'].write('logged');
        return naming('app.user')(environ, startResponse);
      },
      { environ: { 'app.user': 'emma' }, errors },
    );
    expect(await (await client.get('/')).text()).toBe('emma');
    expect(await (await client.get('/', { environ: { 'app.user': 'jane' } })).text()).toBe('jane');
    expect(errors.text).toBe('loggedlogged');
  });
});

describe('a response', () => {
  const latin: Application = (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain; charset="iso-8859-1"']]);
    return [Buffer.from('café', 'latin1')];
  };

  it('is read by its charset, and again', async () => {
    const response = await createClient(latin).get('/');
    expect([await response.text(), await response.text()]).toEqual(['café', 'café']);
    expect(await response.bytes()).toEqual(Buffer.from('café', 'latin1'));
    const { body } = await runApp(latin, buildEnviron(), { buffered: true });
    expect([await body.text(), await body.text()]).toEqual(['café', 'café']);
  });

  it('is closed by await using', async () => {
    let closes = 0;
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return Object.assign([Buffer.from('a')], { close: () => (closes += 1) });
    };
    const response = await createClient(application).get('/');
    await response[Symbol.asyncDispose]();
    expect(closes).toBe(1);
  });

  it('tells a request what was sent to it', async () => {
    const application: Application = async (environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [Buffer.from(await readText(environ))];
    };
    expect(await (await createClient(application).post('/', { json: { a: 1 } })).text()).toBe('{"a":1}');
  });
});

describe('cookies by RFC 6265', () => {
  const setting: Application = (environ, startResponse) => {
    startResponse('200 OK', [
      ['Content-Type', 'text/plain'],
      ...decodeURIComponent(environ.QUERY_STRING)
        .split('|')
        .filter(Boolean)
        .map((cookie): [string, string] => ['Set-Cookie', cookie]),
    ]);
    return [Buffer.from(environ.HTTP_COOKIE ?? 'none')];
  };
  const query = (...cookies: string[]) => ({ query: encodeURIComponent(cookies.join('|')) });

  it('Secure ones go over https only', async () => {
    const client = createClient(setting);
    await client.get('https://a.test/', query('a=1; Secure', 'b=2'));
    expect(await (await client.get('http://a.test/')).text()).toBe('b=2');
    expect(await (await client.get('https://a.test/')).text()).toBe('a=1; b=2');
  });

  it('nameless ones are ignored', async () => {
    const client = createClient(setting);
    await client.get('/', query('value', '=value', 'a='));
    expect(await (await client.get('/')).text()).toBe('a=');
  });

  it('an address has no subdomains', async () => {
    const client = createClient(setting);
    await client.get('http://127.0.0.1/', query('a=1; Domain=0.0.1', 'b=2; Domain=127.0.0.1'));
    expect(await (await client.get('http://127.0.0.1/')).text()).toBe('b=2');
  });

  it('a test gives belong to the host of baseUrl', async () => {
    const client = createClient(setting, { baseUrl: 'https://shop.test:8443/x' });
    client.cookies.set('a', '1');
    expect(await (await client.get('/')).text()).toBe('a=1');
    await client.get('/', query('b=2; Path=/'));
    expect(client.cookies.get('b')).toBe('2');
  });
});
