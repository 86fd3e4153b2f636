/** The cases of EnvironBuilder, create_environ and stream_encode_multipart. */
import { expect } from 'vitest';
import { decodeNative, encodeNative, readBody, readForm, readJson, requestUri } from '../../../src/index.ts';
import {
  type BuildEnvironOptions,
  buildEnviron,
  createClient,
  fromEnviron,
} from '../../../src/testing/index.ts';
import type { Environ, HeaderList } from '../../../src/wsgi.ts';
import type { PortedCase } from '../../support/ported.ts';
import { telling } from './kit.ts';

/** Reads the form of an environ, as node's fetch does. */
async function formOf(environ: Environ): Promise<FormData> {
  const headers = { 'Content-Type': environ.CONTENT_TYPE ?? '' };
  return new Response(Buffer.from(await readBody(environ)), { headers }).formData();
}

const formData = (fields: Readonly<Record<string, string | File>>): FormData => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
};

const file = (content: string, name: string, type = 'text/plain') => new File([content], name, { type });

/** A case of the content that options make. */
const data = (name: string, options: BuildEnvironOptions, text: string): PortedCase => ({
  name: `test_environ_builder_data: ${name}`,
  run: async () => expect(Buffer.from(await readBody(buildEnviron('/', options))).toString()).toBe(text),
});

const files = (count: number): PortedCase => ({
  name: `test_environ_builder_data: ${count} files of one name`,
  async run() {
    const form = new FormData();
    for (let added = 0; added < count; added += 1) form.append('foo', file('', 'foo'));
    const sent = (await formOf(buildEnviron('/', { form }))).getAll('foo');
    expect(sent.map((value) => value instanceof File)).toEqual(new Array(count).fill(true));
  },
});

const paths = (baseUrl: string, facts: Record<string, string>): PortedCase => ({
  name: `test_environ_builder_paths: ${baseUrl}`,
  run: () => expect(buildEnviron('/foo', { baseUrl })).toMatchObject({ PATH_INFO: '/foo', ...facts }),
});

const SPOOLED =
  'the builder has no temporary files: a form is read piece by piece, as the application reads it';

const spooled = (name: string): PortedCase => ({ name: `${name}: use_tempfile`, differs: SPOOLED });

export const BUILDER_CASES: readonly PortedCase[] = [
  {
    name: 'test_environ_builder_basics',
    async run() {
      const form = formData({
        test: 'normal value',
        test_int: '1',
        upload: file('test contents', 'test.txt'),
      });
      const environ = buildEnviron('/', { method: 'POST', form });
      expect(requestUri(environ)).toBe('http://localhost/');
      expect(environ.REQUEST_METHOD).toBe('POST');
      const sent = await formOf(environ);
      expect([sent.get('test'), sent.get('test_int')]).toEqual(['normal value', '1']);
      const upload = sent.get('upload');
      expect(upload).toMatchObject({ name: 'test.txt', type: 'text/plain' });
      expect(await (upload instanceof File ? upload.text() : '')).toBe('test contents');
    },
  },
  {
    name: 'test_environ_builder_basics: the type of a file by its name',
    differs: 'a File has the type that the test gives it, as in browsers; its name tells nothing',
    async run() {
      const environ = buildEnviron('/', { form: formData({ test: file('x', 'test.txt', '') }) });
      expect((await formOf(environ)).get('test')).toMatchObject({ type: 'application/octet-stream' });
    },
  },
  data('text', { content: 'foo' }, 'foo'),
  data('octets', { content: Buffer.from('foo') }, 'foo'),
  data('a field', { form: { foo: 'bar' } }, 'foo=bar'),
  data('a field with two values', { form: { foo: ['bar1', 'bar2'] } }, 'foo=bar1&foo=bar2'),
  files(1),
  files(2),
  {
    name: 'test_environ_builder_data: files as tuples',
    differs: 'a file is a File or { name, content, type }, and no tuple',
    async run() {
      const foo = { name: 'foo', content: 'bar', type: 'text/plain' };
      const sent = (await formOf(buildEnviron('/', { form: { foo } }))).get('foo');
      expect(sent).toMatchObject({ name: 'foo', type: 'text/plain', size: 3 });
    },
  },
  {
    name: 'test_environ_builder_json',
    async run() {
      const client = createClient(
        telling(async (environ) => `${environ.CONTENT_TYPE} ${Object(await readJson(environ)).foo}`),
      );
      const json = { foo: 'bar' };
      expect(await (await client.post('/', { json })).text()).toBe('application/json bar');
      await expect(client.post('/', { json, form: { baz: 'qux' } })).rejects.toThrow(TypeError);
    },
  },
  {
    name: 'test_environ_builder_headers',
    async run() {
      const client = createClient(
        telling(() => ''),
        { headers: { 'User-Agent': 'Foo/0.1' } },
      );
      const environ = { 'wsgi.version': [1, 1] };
      const { request } = await client.get('/', {
        validate: false,
        environ,
        headers: { 'X-Weird-Request': 'very well' },
      });
      expect(request).toMatchObject({
        HTTP_USER_AGENT: 'Foo/0.1',
        HTTP_X_WEIRD_REQUEST: 'very well',
        'wsgi.version': [1, 1],
      });
      const own = await client.get('/', { headers: { 'User-Agent': 'Bar/1.0' } });
      expect(own.request.HTTP_USER_AGENT).toBe('Bar/1.0');
    },
  },
  {
    name: 'test_environ_builder_headers: environ_base',
    differs: 'keys of `environ` always override; a default is one of the `headers` of a client',
    run: () =>
      expect(
        buildEnviron('/', { environ: { HTTP_USER_AGENT: 'Foo/0.1' }, headers: { 'User-Agent': 'Bar/1.0' } })
          .HTTP_USER_AGENT,
      ).toBe('Foo/0.1'),
  },
  {
    name: 'test_environ_builder_headers_content_type: a header',
    run: () => {
      const environ = buildEnviron('/', { headers: { 'Content-Type': 'text/plain' } });
      expect(environ.CONTENT_TYPE).toBe('text/plain');
      expect(environ).not.toHaveProperty('HTTP_CONTENT_TYPE');
    },
  },
  {
    name: 'test_environ_builder_headers_content_type: a header and the option',
    differs: 'two types contradict each other, so they are refused',
    run: () =>
      expect(() =>
        buildEnviron('/', { contentType: 'text/html', headers: { 'Content-Type': 'text/plain' } }),
      ).toThrow('in contentType or in the headers'),
  },
  {
    name: 'test_environ_builder_headers_content_type: none',
    run: () => {
      expect(buildEnviron('/')).not.toHaveProperty('CONTENT_TYPE');
      expect(buildEnviron('/')).not.toHaveProperty('HTTP_CONTENT_TYPE');
    },
  },
  {
    name: 'test_envrion_builder_multiple_headers',
    run: () => {
      const headers = new Headers([
        ['FOO', 'bar'],
        ['FOO', 'baz'],
      ]);
      expect(buildEnviron('/', { headers }).HTTP_FOO).toBe('bar, baz');
    },
  },
  paths('http://example.com/', { SCRIPT_NAME: '', HTTP_HOST: 'example.com' }),
  paths('http://example.com/bar', { SCRIPT_NAME: '/bar', HTTP_HOST: 'example.com' }),
  paths('http://localhost:8080/', {
    HTTP_HOST: 'localhost:8080',
    SERVER_NAME: 'localhost',
    SERVER_PORT: '8080',
  }),
  paths('https://foo.invalid/test/', {
    SERVER_NAME: 'foo.invalid',
    SERVER_PORT: '443',
    SCRIPT_NAME: '/test',
    HTTP_HOST: 'foo.invalid',
    'wsgi.url_scheme': 'https',
  }),
  {
    name: 'test_environ_builder_paths: properties that are set later',
    differs: 'options do not change; `fromEnviron` describes a request so that it can be built anew',
    run: () => {
      const { path, ...options } = fromEnviron(buildEnviron('/foo', { baseUrl: 'http://example.com/bar' }));
      const { HTTP_HOST: _host, ...headers } = Object.fromEntries(options.headers as HeaderList);
      const { Host: _own, ...rest } = headers;
      expect(
        buildEnviron(path, { ...options, headers: rest, baseUrl: 'https://foo.invalid/test' }),
      ).toMatchObject({ SERVER_PORT: '443', SCRIPT_NAME: '/test', HTTP_HOST: 'foo.invalid' });
    },
  },
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'GET'].map(
    (method): PortedCase => ({
      name: `test_environ_builder_content_type: ${method} without content`,
      run: () => expect(buildEnviron('/', { method })).not.toHaveProperty('CONTENT_TYPE'),
    }),
  ),
  {
    name: 'test_environ_builder_content_type: a form',
    run: () =>
      expect(buildEnviron('/', { form: { foo: 'bar' } }).CONTENT_TYPE).toBe(
        'application/x-www-form-urlencoded',
      ),
  },
  {
    name: 'test_environ_builder_content_type: a form with a file',
    async run() {
      const environ = buildEnviron('/', { form: formData({ foo: 'bar', data: file('foo', 'test.txt') }) });
      expect(environ.CONTENT_TYPE).toMatch(/^multipart\/form-data; boundary=/);
      const sent = await formOf(environ);
      const upload = sent.get('data');
      expect([sent.get('foo'), await (upload instanceof File ? upload.text() : '')]).toEqual(['bar', 'foo']);
    },
  },
  {
    name: 'test_basic_auth',
    run: () => {
      const auth = { user: 'username', password: 'password' };
      const [scheme, credentials] = buildEnviron('/', { auth }).HTTP_AUTHORIZATION?.split(' ') ?? [];
      expect([scheme, Buffer.from(credentials ?? '', 'base64').toString()]).toEqual([
        'Basic',
        'username:password',
      ]);
    },
  },
  {
    name: 'test_auth_object',
    run: () => {
      const auth = 'Digest username="u", password="p"';
      expect(buildEnviron('/', { auth }).HTTP_AUTHORIZATION).toBe(auth);
    },
  },
  {
    name: 'test_environ_builder_stream_switch',
    async run() {
      const form = formData({ foo: 'bar', blub: 'blah', hu: 'hum' });
      const environ = buildEnviron('/', { form });
      expect([...(await formOf(environ))]).toEqual([...form]);
      expect(environ.CONTENT_LENGTH).toMatch(/^\d+$/);
    },
  },
  spooled('test_environ_builder_stream_switch'),
  {
    name: 'test_environ_builder_unicode_file_mix',
    async run() {
      const form = formData({ f: file('\\N{SNOWMAN}', 'snowman.txt'), s: '☃' });
      const sent = await formOf(buildEnviron('/', { form }));
      const upload = sent.get('f');
      expect(sent.get('s')).toBe('☃');
      expect(upload).toMatchObject({ name: 'snowman.txt' });
      expect(await (upload instanceof File ? upload.text() : '')).toBe('\\N{SNOWMAN}');
    },
  },
  spooled('test_environ_builder_unicode_file_mix'),
  {
    name: 'test_environ_builder_empty_file',
    async run() {
      const sent = await formOf(buildEnviron('/', { form: formData({ f: file('', 'empty.txt'), s: '' }) }));
      expect(sent.get('s')).toBe('');
      expect(sent.get('f')).toMatchObject({ name: 'empty.txt', size: 0 });
    },
  },
  {
    name: 'test_create_environ',
    async run() {
      const environ = buildEnviron('/foo?bar=baz', { baseUrl: 'http://example.org/' });
      expect(environ).toMatchObject({
        'wsgi.multiprocess': false,
        'wsgi.version': [1, 0],
        'wsgi.run_once': false,
        'wsgi.multithread': false,
        'wsgi.url_scheme': 'http',
        SCRIPT_NAME: '',
        SERVER_NAME: 'example.org',
        REQUEST_METHOD: 'GET',
        HTTP_HOST: 'example.org',
        PATH_INFO: '/foo',
        SERVER_PORT: '80',
        SERVER_PROTOCOL: 'HTTP/1.1',
        QUERY_STRING: 'bar=baz',
      });
      expect((await environ['wsgi.input'].read(0)).length).toBe(0);
    },
  },
  {
    name: 'test_create_environ_query_string_error',
    run: () => expect(() => buildEnviron('/foo?bar=baz', { query: { a: 'b' } })).toThrow(TypeError),
  },
  {
    name: 'test_builder_from_environ',
    async run() {
      const environ = buildEnviron('/ㄱ', {
        baseUrl: 'https://example.com/base',
        query: { name: 'Werkzeug' },
        form: { foo: 'ㄴ' },
        headers: { 'X-Foo': encodeNative('ㄷ') },
      });
      const { path, ...options } = fromEnviron(environ);
      const again = buildEnviron(path, options);
      const stringsOf = (of: Environ) => Object.entries(of).filter(([, value]) => typeof value !== 'object');
      expect(Object.fromEntries(stringsOf(again))).toEqual(Object.fromEntries(stringsOf(environ)));
      expect(String(await readForm(again))).toBe('foo=%E3%84%B4');
    },
  },
  { name: 'test_file_closing', differs: 'a File is memory or a Blob, and has nothing to close' },
  {
    name: 'test_iri_support',
    run: () =>
      expect(buildEnviron('/föö-bar', { baseUrl: 'http://☃.net/' })).toMatchObject({
        REQUEST_URI: '/f%C3%B6%C3%B6-bar',
        HTTP_HOST: 'xn--n3h.net',
      }),
  },
  {
    name: 'test_correct_encoding',
    run: () => {
      const { SCRIPT_NAME, PATH_INFO } = buildEnviron('/☃', { baseUrl: 'http://example.com/foo' });
      expect([SCRIPT_NAME, decodeNative(PATH_INFO)]).toEqual(['/foo', '/☃']);
    },
  },
  {
    name: 'test_content_type: text/css',
    differs: 'the type is sent as it was given, without a charset that the test did not write',
    run: () =>
      expect(buildEnviron('/', { content: 'testing', contentType: 'text/css' }).CONTENT_TYPE).toBe(
        'text/css',
      ),
  },
  {
    name: 'test_content_type: application/octet-stream',
    run: () => {
      const contentType = 'application/octet-stream';
      expect(buildEnviron('/', { content: 'testing', contentType }).CONTENT_TYPE).toBe(contentType);
    },
  },
  ...[
    ['/hello%2fworld', '/hello/world'],
    ['/?a=b', '/'],
    ['/%3f?', '/?'],
  ].map(
    ([target = '', path]): PortedCase => ({
      name: `test_raw_request_uri: ${target}`,
      run: () => expect(buildEnviron(target)).toMatchObject({ PATH_INFO: path, REQUEST_URI: target }),
    }),
  ),
  ...['PUT', 'GET'].map(
    (method): PortedCase => ({
      name: `test_formparser, test_parse_form_data_${method.toLowerCase()}_without_content`,
      differs:
        '`readForm` wants the type of a form, so a request without content gets a 415, and no empty form',
      async run() {
        const environ = buildEnviron('/foo', { method, baseUrl: 'http://example.org/' });
        expect((await readBody(environ)).length).toBe(0);
        await expect(readForm(environ)).rejects.toMatchObject({ statusCode: 415 });
      },
    }),
  ),
];
