/** The cases of Werkzeug's tests/test_wsgi.py (main of 2026) that are about URLs and wsgi.input, re-expressed. */
import { expect } from 'vitest';
import { onStage } from '../../src/conformance/stage.ts';
import { Input } from '../../src/gateway/input.ts';
import { decodeNative, readJson, requestUri } from '../../src/index.ts';
import { buildEnviron, setupTestingDefaults } from '../../src/testing/index.ts';
import type { Environ, InputStream } from '../../src/wsgi.ts';
import { standalone } from '../conformance/hosts.ts';
import { declarePorted, type PortedCase } from '../support/ported.ts';

const DEFAULT_PORT = 'PEP 3333 has the URL with Host as it was sent, also with the port that is the default';

/** A case of the host in a URL. */
function host(name: string, keys: Partial<Environ>, expected: string, differs?: string): PortedCase {
  return {
    name: `test_get_host: ${name}`,
    ...(differs === undefined ? {} : { differs }),
    run: () => {
      const scheme = keys['wsgi.url_scheme'] ?? 'http';
      const { HTTP_HOST: _host, ...hostless } = setupTestingDefaults({ 'wsgi.url_scheme': scheme });
      const environ: Environ = { ...hostless, ...keys };
      expect(requestUri(environ)).toBe(`${scheme}://${expected}/`);
    },
  };
}

const EGGS = { SERVER_NAME: 'eggs', SERVER_PORT: '80' };

const URLS: readonly PortedCase[] = [
  host('host', { HTTP_HOST: 'spam' }, 'spam'),
  host('host, strip http port', { HTTP_HOST: 'spam:80' }, 'spam:80', DEFAULT_PORT),
  host(
    'host, strip https port',
    { 'wsgi.url_scheme': 'https', HTTP_HOST: 'spam:443' },
    'spam:443',
    DEFAULT_PORT,
  ),
  host('host, custom port', { HTTP_HOST: 'spam:8080' }, 'spam:8080'),
  host('prefer host', { HTTP_HOST: 'spam', ...EGGS }, 'spam'),
  host('name, ignore http port', EGGS, 'eggs'),
  host('name, ignore https port', { 'wsgi.url_scheme': 'https', ...EGGS, SERVER_PORT: '443' }, 'eggs'),
  host('name, custom port', { ...EGGS, SERVER_PORT: '8080' }, 'eggs:8080'),
  host('ignore x-forwarded-host', { HTTP_HOST: 'ham', HTTP_X_FORWARDED_HOST: 'eggs' }, 'ham'),
  host('fallback, port 80', { SERVER_NAME: 'foobar.example.com', SERVER_PORT: '80' }, 'foobar.example.com'),
  host(
    'fallback, port 81',
    { SERVER_NAME: 'foobar.example.com', SERVER_PORT: '81' },
    'foobar.example.com:81',
  ),
  {
    name: 'test_responder',
    differs: 'there are no response objects; an application answers by startResponse',
  },
  {
    name: 'test_path_info_and_script_name_fetching',
    run: () => {
      const { PATH_INFO, SCRIPT_NAME } = buildEnviron('/☃', { baseUrl: 'http://example.com/☄/' });
      expect([decodeNative(PATH_INFO), decodeNative(SCRIPT_NAME)]).toEqual(['/☃', '/☄']);
    },
  },
  {
    name: 'test_get_current_url_unicode',
    differs: '`requestUri` gives a URI, in which all but ASCII is percent-encoded, and no IRI',
    run: () =>
      expect(requestUri(buildEnviron('/', { query: 'foo=bar&baz=blah&meh=Ï' }))).toBe(
        'http://localhost/?foo=bar&baz=blah&meh=%C3%8F',
      ),
  },
  {
    name: 'test_get_current_url_invalid_utf8',
    differs:
      'the query stays as it was received, as in wsgiref.util; only hosts of other parsers pass such octets',
    run: () => {
      const environ = { ...buildEnviron('/'), QUERY_STRING: 'foo=bar&baz=blah&meh=\xcf' };
      expect(requestUri(environ)).toBe('http://localhost/?foo=bar&baz=blah&meh=\xcf');
    },
  },
];

type Read = (input: InputStream) => Promise<Uint8Array | Uint8Array[]>;

const textOf = (octets: Uint8Array | Uint8Array[]): unknown =>
  Array.isArray(octets) ? octets.map((one) => textOf(one)) : Buffer.from(octets).toString();

/** A case of wsgi.input on the standalone server, whose limit is Content-Length; more octets come after the content. */
const limited = (
  name: string,
  sent: string,
  length: number,
  reads: readonly Read[],
  results: unknown[],
): PortedCase => ({
  name: `test_limited_stream: ${name}`,
  async run() {
    const got: unknown[] = [];
    await onStage(
      standalone,
      async (environ, startResponse) => {
        for (const read of reads) got.push(textOf(await read(environ['wsgi.input'])));
        startResponse('204 No Content', []);
        return [];
      },
      async (stage) => {
        const headers: [string, string][] = [
          ['Content-Length', String(length)],
          ['Connection', 'close'],
        ];
        expect((await stage.fetch({ method: 'POST', headers, content: sent })).statusCode).toBe(204);
      },
    );
    expect(got).toEqual(results);
  },
});

const read =
  (size?: number): Read =>
  (input) =>
    input.read(size);
const line =
  (size?: number): Read =>
  (input) =>
    input.readline(size);
const lines =
  (hint?: number): Read =>
  (input) =>
    input.readlines(hint);
const each: Read = async (input) => {
  const all: Uint8Array[] = [];
  for await (const one of input) all.push(one);
  return all;
};

const TWO_LINES = '123456\nabcdefg';
const NO_HOOK = 'after its end wsgi.input gives empty octets, and it has no method to override';

/** An input whose source gives one octet at a time. */
const slow = (text: string): Input => {
  const octets = [...Buffer.from(text)];
  return new Input({
    pull: () => {
      const next = octets.shift();
      return next === undefined ? null : Uint8Array.of(next);
    },
  });
};

const STREAMS: readonly PortedCase[] = [
  {
    name: 'test_limited_stream: on_exhausted',
    differs: NO_HOOK,
    async run() {
      const input = slow('123');
      expect([textOf(await input.read()), textOf(await input.read())]).toEqual(['123', '']);
    },
  },
  { name: 'test_limited_stream: tell', differs: 'PEP 3333 has no tell' },
  limited('readline', TWO_LINES, 9, [line(), line()], ['123456\n', 'ab']),
  limited('readlines', TWO_LINES, 9, [lines()], [['123456\n', 'ab']]),
  limited('readlines with a hint', '123\n456\nabcdefg', 9, [lines(2), lines()], [['123\n'], ['456\n', 'a']]),
  limited('readline with a size', TWO_LINES, 9, [line(100)], ['123456\n']),
  limited('readlines with a large hint', TWO_LINES, 9, [lines(100)], [['123456\n', 'ab']]),
  limited(
    'read with and without a size',
    '123456',
    3,
    [read(1), read(1), read(), read()],
    ['1', '2', '3', ''],
  ),
  limited('read(-1)', '123456', 3, [read(-1)], ['123']),
  limited('read(-1) of nothing', '123456', 0, [read(-1)], ['']),
  limited('iteration', '123\n456\n', 8, [each], [['123\n', '456\n']]),
  {
    name: 'test_limited_stream_json_load',
    run: async () => {
      expect(await readJson(buildEnviron('/', { method: 'POST', content: '{"hello": "test"}' }))).toEqual({
        hello: 'test',
      });
    },
  },
  {
    name: 'test_limited_stream_disconnection: fewer octets than the limit',
    async run() {
      let failure: unknown;
      await onStage(
        standalone,
        async (environ, startResponse) => {
          failure = await environ['wsgi.input'].read().catch((error: unknown) => error);
          startResponse('204 No Content', []);
          return [];
        },
        async (stage) => {
          const client = stage.open();
          client.send(stage.format({ method: 'POST', headers: [['Content-Length', '255']], content: 'x' }));
          client.halfClose();
          await expect.poll(() => failure).toBeDefined();
        },
      );
      expect(failure).toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
    },
  },
  {
    name: 'test_limited_stream_disconnection: a closed stream',
    async run() {
      const gone = new Error('closed');
      const input = new Input({
        pull: () => {
          throw gone;
        },
      });
      await expect(input.read()).rejects.toBe(gone);
    },
  },
  {
    name: 'test_limited_stream_read_with_raw_io: read(5)',
    differs:
      'read(n) waits for n octets or the end, as a buffered file of Python does; `chunks` gives what is there',
    run: async () => expect(textOf(await slow('foo').read(5))).toBe('foo'),
  },
  {
    name: 'test_limited_stream_read_with_raw_io: all',
    run: async () => expect(textOf(await slow('foo').read())).toBe('foo'),
  },
  limited('read of more than the limit (raw_io)', 'foo123', 3, [read(5), read(5)], ['foo', '']),
  limited('read up to the limit (raw_io)', 'foo', 2, [read()], ['fo']),
];

declarePorted('Werkzeug test_wsgi (URLs)', URLS);
declarePorted('Werkzeug test_wsgi (wsgi.input)', STREAMS);
