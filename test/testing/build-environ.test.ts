import { describe, expect, it } from 'vitest';
import { applicationUri, readForm, readJson, readText, requestUri } from '../../src/index.ts';
import {
  type BuildEnvironOptions,
  buildEnviron,
  MemoryErrors,
  setupTestingDefaults,
} from '../../src/testing/index.ts';
import type { Environ } from '../../src/wsgi.ts';

describe('buildEnviron()', () => {
  it('makes a GET of the root of localhost', () => {
    expect(buildEnviron()).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '',
      PATH_INFO: '/',
      QUERY_STRING: '',
      REQUEST_URI: '/',
      RAW_URI: '/',
      SERVER_NAME: 'localhost',
      SERVER_PORT: '80',
      SERVER_PROTOCOL: 'HTTP/1.1',
      HTTP_HOST: 'localhost',
      'wsgi.url_scheme': 'http',
    });
    expect(Object.keys(buildEnviron())).not.toContain('CONTENT_LENGTH');
  });

  it.each([
    ['/a%20b?c=d', { PATH_INFO: '/a b', QUERY_STRING: 'c=d', REQUEST_URI: '/a%20b?c=d' }],
    ['/a b', { PATH_INFO: '/a b', REQUEST_URI: '/a%20b' }],
    [
      '/中?q=é#fragment',
      { PATH_INFO: '/\xe4\xb8\xad', QUERY_STRING: 'q=%C3%A9', REQUEST_URI: '/%E4%B8%AD?q=%C3%A9' },
    ],
    ['relative', { PATH_INFO: '/relative' }],
    ['', { PATH_INFO: '', REQUEST_URI: '/' }],
    ['?q', { PATH_INFO: '', QUERY_STRING: 'q' }],
    ['//a//b', { PATH_INFO: '//a//b', HTTP_HOST: 'localhost' }],
    ['*', { PATH_INFO: '*' }],
  ])('takes the path %s', (path, expected) => {
    expect(buildEnviron(path)).toMatchObject(expected);
  });

  it('takes scheme, authority and mount from the base URL', () => {
    const environ = buildEnviron('/x?y', { baseUrl: 'https://example.com:8443/café/' });
    expect(environ).toMatchObject({
      SCRIPT_NAME: '/caf\xc3\xa9',
      PATH_INFO: '/x',
      REQUEST_URI: '/caf%C3%A9/x?y',
      HTTP_HOST: 'example.com:8443',
      SERVER_NAME: 'example.com',
      SERVER_PORT: '8443',
      HTTPS: 'on',
    });
    expect(applicationUri(environ)).toBe('https://example.com:8443/caf%C3%A9');
    expect(requestUri(environ)).toBe('https://example.com:8443/caf%C3%A9/x?y');
  });

  it.each([
    ['https://example.com/x', { HTTP_HOST: 'example.com', SERVER_PORT: '443', PATH_INFO: '/x', HTTPS: 'on' }],
    ['http://[::1]:81', { HTTP_HOST: '[::1]:81', SERVER_NAME: '[::1]', SERVER_PORT: '81', PATH_INFO: '/' }],
    ['http://bücher.example/?a', { HTTP_HOST: 'xn--bcher-kva.example', QUERY_STRING: 'a' }],
  ])('takes the absolute path %s', (path, expected) => {
    expect(buildEnviron(path)).toMatchObject(expected);
  });

  it.each([
    ['text', 'a=b c', 'a=b%20c'],
    ['names and values', { a: ['1', '2'], b: 'c d' }, 'a=1&a=2&b=c+d'],
    ['URLSearchParams', new URLSearchParams('x=y&x=z'), 'x=y&x=z'],
    [
      'pairs',
      [
        ['x', 'y'],
        ['x', 'z'],
      ],
      'x=y&x=z',
    ],
    ['a Map', new Map([['x', 'y']]), 'x=y'],
    ['nothing', '', ''],
  ] satisfies [string, BuildEnvironOptions['query'], string][])(
    'takes a query of %s',
    async (_name, query, expected) => {
      expect(buildEnviron('/', { query }).QUERY_STRING).toBe(expected);
      if (typeof query === 'string') return;
      expect(await readText(buildEnviron('/', { method: 'POST', form: query }))).toBe(expected);
    },
  );

  it.each<[object, string]>([
    [{ query: 5 }, 'Option query must be an object, pairs or URLSearchParams, not number'],
    [{ query: ['a'] }, 'Option query must have [name, value] pairs, not string'],
    [{ query: { a: undefined } }, 'Field a of option query must be a string, not undefined'],
    [{ form: 'a=1' }, 'Option form must be an object, pairs or URLSearchParams, not string'],
    [
      { form: { a: { b: 1 } } },
      'Field a of option form must be a string or a file (a File, a Blob or { name, content }), not an instance of Object',
    ],
    [{ content: { a: 1 } }, 'not an instance of Object; json sends a value'],
    [{ content: 5 }, 'Option content must be text, octets or an iterable of octets, not number'],
    [
      { auth: ['user', 'password'] },
      'Option auth must be text or { user, password }, not an instance of Array',
    ],
    [{ auth: { username: 'a', password: 'b' } }, 'Option auth must be text or { user, password }'],
  ])('refuses %j', (options, message) => {
    expect(() => buildEnviron('/', { method: 'POST', ...options })).toThrow(message);
  });

  it('takes headers of either form', () => {
    const environ = buildEnviron('/', {
      headers: [
        ['Host', 'other.test'],
        ['X-A', '1'],
        ['X-A', '2'],
        ['Cookie', 'a'],
        ['Cookie', 'b'],
      ],
    });
    expect(environ).toMatchObject({ HTTP_HOST: 'other.test', HTTP_X_A: '1, 2', HTTP_COOKIE: 'a; b' });
    expect(buildEnviron('/', { headers: { Accept: '*/*' } }).HTTP_ACCEPT).toBe('*/*');
  });

  it('takes credentials', () => {
    expect(buildEnviron('/', { auth: { user: 'emma', password: 'é' } }).HTTP_AUTHORIZATION).toBe(
      'Basic ZW1tYTrDqQ==',
    );
    expect(buildEnviron('/', { auth: 'Bearer x' }).HTTP_AUTHORIZATION).toBe('Bearer x');
  });

  it('lets further keys win', () => {
    expect(buildEnviron('/', { environ: { REMOTE_USER: 'emma', REQUEST_METHOD: 'X' } })).toMatchObject({
      REMOTE_USER: 'emma',
      REQUEST_METHOD: 'X',
    });
  });

  it('writes errors to the given stream', () => {
    const errors = new MemoryErrors();
    buildEnviron('/', { errors })['wsgi.errors'].writelines(['one', ' two']);
    expect(errors.text).toBe('one two');
  });

  it.each<[string, BuildEnvironOptions, Partial<Environ>, (environ: Environ) => Promise<unknown>, unknown]>([
    ['text', { content: 'é' }, { CONTENT_LENGTH: '2' }, readText, 'é'],
    [
      'octets with a type',
      { content: Buffer.from('x'), contentType: 'text/x' },
      { CONTENT_TYPE: 'text/x', CONTENT_LENGTH: '1' },
      readText,
      'x',
    ],
    [
      'JSON',
      { json: { a: ['é'] } },
      { CONTENT_TYPE: 'application/json', CONTENT_LENGTH: '12' },
      readJson,
      { a: ['é'] },
    ],
    ['JSON null', { json: null }, { CONTENT_LENGTH: '4' }, readJson, null],
    [
      'a form',
      { form: { a: ['1', '2'], b: 'c d' } },
      { CONTENT_TYPE: 'application/x-www-form-urlencoded', CONTENT_LENGTH: '13' },
      async (environ) => String(await readForm(environ)),
      'a=1&a=2&b=c+d',
    ],
    [
      'pieces',
      { content: [Buffer.from('a'), Buffer.from('b')] },
      { HTTP_TRANSFER_ENCODING: 'chunked' },
      readText,
      'ab',
    ],
    ['no octets', { content: '' }, { CONTENT_LENGTH: '0' }, readText, ''],
  ])('takes content: %s', async (_name, options, expected, read, content) => {
    const environ = buildEnviron('/', { method: 'POST', ...options });
    expect(environ).toMatchObject(expected);
    expect(Object.keys(environ)).not.toContain('HTTP_CONTENT_TYPE');
    expect(await read(environ)).toEqual(content);
  });

  it.each<[what: string, form: BuildEnvironOptions['form']]>([
    ['a File', { a: '1', f: new File(['x'], 'f.txt', { type: 'text/plain' }) }],
    ['a description of one', { a: '1', f: { name: 'f.txt', content: 'x', type: 'text/plain' } }],
    ['a list of one', { a: ['1'], f: [{ name: 'f.txt', content: Buffer.from('x'), type: 'text/plain' }] }],
    [
      'pairs',
      [
        ['a', '1'],
        ['f', new File(['x'], 'f.txt', { type: 'text/plain' })],
      ],
    ],
    [
      'a Map',
      new Map<string, string | File>([
        ['a', '1'],
        ['f', new File(['x'], 'f.txt', { type: 'text/plain' })],
      ]),
    ],
  ])('sends fields with %s as multipart', async (_what, form) => {
    const environ = buildEnviron('/', { method: 'POST', form });
    expect(environ.CONTENT_TYPE).toMatch(/^multipart\/form-data; boundary=/);
    const content = await readText(environ);
    expect(environ.CONTENT_LENGTH).toBe(String(content.length));
    expect(content).toMatch(
      /name="a"\r\n\r\n1\r\n[\s\S]*name="f"; filename="f.txt"\r\nContent-Type: text\/plain\r\n\r\nx\r\n/,
    );
  });

  it('takes files as multipart', async () => {
    const form = new FormData();
    form.set('title', 'Emma');
    form.set('file', new Blob(['content'], { type: 'text/plain' }), 'emma.txt');
    const environ = buildEnviron('/', { method: 'POST', form });
    const content = await environ['wsgi.input'].read();
    const headers = { 'Content-Type': environ.CONTENT_TYPE ?? '' };
    const parsed = await new Response(Buffer.from(content), { headers }).formData();
    expect(parsed.get('title')).toBe('Emma');
    expect(await (parsed.get('file') as File).text()).toBe('content');
  });

  it.each<[string, string, BuildEnvironOptions]>([
    ['two queries', '/?a', { query: 'b' }],
    ['two bases', 'http://a.test/', { baseUrl: 'http://b.test/' }],
    ['two contents', '/', { content: 'a', json: 1 }],
    ['a body as fetch has it', '/', { body: 'a' } as object],
    ['two content types', '/', { contentType: 'a/b', headers: { 'content-type': 'c/d' } }],
    ['two lengths', '/', { contentLength: 1, headers: { 'content-length': '1' } }],
    ['two credentials', '/', { auth: 'Bearer x', headers: { authorization: 'Bearer x' } }],
    ['a base with a query', '/', { baseUrl: 'http://a.test/?b' }],
    ['a base of another scheme', '/', { baseUrl: 'ftp://a.test/' }],
  ])('refuses %s', (_name, path, options) => {
    expect(() => buildEnviron(path, options)).toThrow(TypeError);
  });

  it.each([
    ['string', 'text'],
    ['number', 5],
    ['null', null],
    ['undefined', undefined],
    ['an instance of Array', [1, 2]],
    ['an instance of Uint16Array', new Uint16Array(1)],
  ])('tells every reader of a piece of content that is %s', async (shown, piece) => {
    // It is wrong on purpose.
    const content = [Buffer.from('ok'), piece] as Uint8Array[];
    const message = `Option content must have pieces of octets, not ${shown}`;
    const inputs = [1, 2, 3, 4].map(() => buildEnviron('/', { content })['wsgi.input']);
    const drained = async (pieces: AsyncIterable<Uint8Array> | undefined) => {
      for await (const _piece of pieces ?? []);
    };
    await expect(inputs[0]?.read()).rejects.toThrow(message);
    await expect(inputs[1]?.readlines()).rejects.toThrow(message);
    await expect(drained(inputs[2])).rejects.toThrow(message);
    await expect(drained(inputs[3]?.chunks())).rejects.toThrow(message);
  });
});

describe('setupTestingDefaults()', () => {
  it('fills an empty environ', async () => {
    const environ = setupTestingDefaults({});
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '',
      PATH_INFO: '/',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: '80',
      SERVER_PROTOCOL: 'HTTP/1.0',
      HTTP_HOST: '127.0.0.1',
      'wsgi.url_scheme': 'http',
      'wsgi.version': [1, 0],
    });
    expect(await environ['wsgi.input'].read()).toHaveLength(0);
  });

  it('keeps existing keys', () => {
    const given = { SCRIPT_NAME: '/a', HTTPS: 'on', SERVER_NAME: 'x', QUERY_STRING: 'q' };
    const environ = setupTestingDefaults(given);
    expect(environ).toBe(given);
    expect(environ).toMatchObject({
      ...given,
      PATH_INFO: '',
      SERVER_PORT: '443',
      HTTP_HOST: 'x',
      'wsgi.url_scheme': 'https',
    });
  });
});
