/** The cases of Client, but those of redirects. */
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { readBody, readForm } from '../../../src/index.ts';
import { type ClientOptions, createClient } from '../../../src/testing/index.ts';
import type { HeaderList } from '../../../src/wsgi.ts';
import type { PortedCase } from '../../support/ported.ts';
import { telling, textOf } from './kit.ts';

const cookieApp = telling(
  ({ HTTP_COOKIE }) => HTTP_COOKIE ?? 'No Cookie',
  ['Set-Cookie', 'test=test; Path=/'],
);

/** A client that has asked once. */
async function visited(options?: ClientOptions, path?: string) {
  const client = createClient(cookieApp, options);
  await (await client.get(path)).text();
  return client;
}

const folder = mkdtempSync(join(tmpdir(), 'gatebridge-werkzeug-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export const CLIENT_CASES: readonly PortedCase[] = [
  {
    name: 'test_cookie_forging',
    async run() {
      const client = createClient(cookieApp);
      client.cookies.set('foo', 'bar');
      expect(await textOf(client)).toBe('foo=bar');
    },
  },
  {
    name: 'test_set_cookie_app',
    run: async () => expect((await createClient(cookieApp).get()).headers.has('Set-Cookie')).toBe(true),
  },
  {
    name: 'test_cookiejar_stores_cookie',
    run: async () => expect((await visited()).cookies.get('test')).toBe('test'),
  },
  {
    name: 'test_no_initial_cookie',
    run: async () => expect(await textOf(createClient(cookieApp))).toBe('No Cookie'),
  },
  { name: 'test_resent_cookie', run: async () => expect(await textOf(await visited())).toBe('test=test') },
  {
    name: 'test_disable_cookies',
    run: async () => expect(await textOf(await visited({ cookies: false }))).toBe('No Cookie'),
  },
  {
    name: 'test_cookie_for_different_path',
    run: async () => expect(await textOf(await visited({}, '/path1'), '/path2')).toBe('test=test'),
  },
  {
    name: 'test_cookie_default_path',
    async run() {
      const { cookies, get } = createClient(telling(() => '', ['Set-Cookie', 'k=v']));
      await get('/nested/leaf');
      expect([cookies.get('k'), cookies.get('k', { path: '/nested' })]).toEqual([undefined, 'v']);
      await get('/nested/dir/');
      expect(cookies.get('k', { path: '/nested/dir' })).toBe('v');
    },
  },
  {
    name: 'test_multiple_cookies',
    async run() {
      const fields: HeaderList = [
        ['Set-Cookie', 'test1=foo; Path=/'],
        ['Set-Cookie', 'test2=bar; Path=/'],
      ];
      const client = createClient(telling(({ HTTP_COOKIE }) => HTTP_COOKIE ?? 'none', ...fields));
      expect([await textOf(client), await textOf(client)]).toEqual(['none', 'test1=foo; test2=bar']);
    },
  },
  ...['http://localhost', 'http://localhost/bar%40baz'].map(
    (baseUrl): PortedCase => ({
      name: `test_path_info_script_name_unquoting: ${baseUrl}`,
      async run() {
        const client = createClient(
          telling(({ PATH_INFO, SCRIPT_NAME }) => `${PATH_INFO}\n${SCRIPT_NAME}`),
          { baseUrl },
        );
        expect(await textOf(client, '/foo%40bar')).toBe(
          `/foo@bar\n${baseUrl.includes('bar') ? '/bar@baz' : ''}`,
        );
      },
    }),
  ),
  ...[{ field: ['val1', 'val2'] }, new Map([['field', ['val1', 'val2']]])].map(
    (form): PortedCase => ({
      name: `test_multi_value_submit: ${form instanceof Map ? 'a Map' : 'an object'}`,
      async run() {
        const client = createClient(telling(async (environ) => (await readForm(environ)).getAll('field')));
        expect(await (await client.post('/', { form })).text()).toBe('val1,val2');
      },
    }),
  ),
  {
    name: 'test_correct_open_invocation_on_redirect',
    differs: 'a client is no class to derive from; a function around `request` sees each call',
    async run() {
      const client = createClient(telling((environ) => environ['test.counter']));
      let counter = 0;
      const counting = async () => {
        counter += 1;
        return (await client.get('/', { environ: { 'test.counter': counter } })).text();
      };
      expect([await counting(), await counting(), await counting()]).toEqual(['1', '2', '3']);
    },
  },
  {
    name: 'test_full_url_requests_with_args: a path',
    async run() {
      const client = createClient(
        telling(({ QUERY_STRING }) => QUERY_STRING),
        { baseUrl: 'http://example.com/' },
      );
      expect(await textOf(client, '/?x=42')).toBe('x=42');
    },
  },
  {
    name: 'test_full_url_requests_with_args: a URL',
    differs: 'a URL brings its own base, so it is refused where the client has a baseUrl',
    async run() {
      const tell = telling(({ QUERY_STRING, HTTP_HOST }) => `${HTTP_HOST} ${QUERY_STRING}`);
      const url = 'http://www.example.com/?x=23';
      expect(await textOf(createClient(tell), url)).toBe('www.example.com x=23');
      const based = createClient(tell, { baseUrl: 'http://example.com/' });
      await expect(based.get(url)).rejects.toThrow('Path must not be absolute when there is a baseUrl');
    },
  },
  {
    name: 'test_delete_requests_with_form',
    async run() {
      const client = createClient(telling(async (environ) => (await readForm(environ)).get('x')));
      expect(await (await client.delete('/', { form: { x: '42' } })).text()).toBe('42');
    },
  },
  {
    name: 'test_post_with_file_descriptor: binary',
    async run() {
      const path = join(folder, 'some-file.txt');
      writeFileSync(path, 'foo');
      const client = createClient(
        telling(async (environ) => Buffer.from(await readBody(environ)).toString()),
      );
      expect(await (await client.post('/', { content: createReadStream(path) })).text()).toBe('foo');
    },
  },
  {
    name: 'test_post_with_file_descriptor: text',
    differs: 'content is octets: a stream that gives strings is an error of the test, told at the first read',
    async run() {
      const path = join(folder, 'text.txt');
      writeFileSync(path, 'foo');
      const client = createClient(
        telling(async (environ) => Buffer.from(await readBody(environ)).toString()),
      );
      const content = createReadStream(path, 'utf8');
      await expect(client.post('/', { content })).rejects.toThrow(
        'Option content must have pieces of octets, not string',
      );
    },
  },
  {
    name: 'test_no_content_type_header_addition',
    async run() {
      const { headers } = await createClient((_environ, startResponse) => {
        startResponse('200 OK', []);
        return [Buffer.from('Response')];
      }).get();
      expect([...headers]).toEqual([['Content-Length', '8']]);
    },
  },
  { name: 'test_client_response_wrapper', differs: 'a response is plain data, with no class to replace' },
];
