/** The cases of Rack's test/spec_lint.rb (main of 2026), re-expressed. */
import { expect } from 'vitest';
import type { GatewayRequest } from '../../src/port.ts';
import { type RuleId, validate } from '../../src/validate/index.ts';
import type { Application, Environ, HeaderList } from '../../src/wsgi.ts';
import { declarePorted, type PortedCase } from '../support/ported.ts';
import { record } from '../support/recording-sink.ts';
import { answer, octets, TEXT, testingEnviron } from './cases/kit.ts';

const hello = answer(() => [octets('foo')], [...TEXT, ['Content-Length', '3']]);

/** The rules that are broken if a server calls the application with this environ. */
function brokenBy(environ: unknown): RuleId[] {
  const broken: RuleId[] = [];
  const note = ({ rule }: { rule: RuleId }): void => void broken.push(rule);
  const checked = validate(hello, { mode: 'report', onError: note, onWarning: note });
  try {
    // It is wrong on purpose.
    void checked(environ as Environ, () => async () => {});
  } catch {
    // The application may fail on what it gets.
  }
  return broken;
}

/** A case of an environ with other keys; undefined removes one. */
function environ(name: string, keys: Readonly<Record<string, unknown>>, ...rules: RuleId[]): PortedCase {
  return {
    name: `environment: ${name}`,
    run: () => {
      const changed: Record<string, unknown> = { ...testingEnviron(), ...keys };
      for (const [key, value] of Object.entries(keys)) if (value === undefined) delete changed[key];
      expect(brokenBy(changed)).toEqual(rules);
    },
  };
}

/** A case of an application. */
function app(name: string, application: Application, ...rules: RuleId[]): PortedCase {
  return { name, run: async () => expect(await rulesOf(application)).toEqual(rules) };
}

async function rulesOf(application: Application, request: Partial<GatewayRequest> = {}): Promise<RuleId[]> {
  const broken: RuleId[] = [];
  const note = ({ rule }: { rule: RuleId }): void => void broken.push(rule);
  await record(validate(application, { mode: 'report', onError: note, onWarning: note }), request).done;
  return broken;
}

const headers = (list: unknown, body: unknown[] = []): Application => answer(() => body, list as HeaderList);

/** An application that calls a method of wsgi.input or wsgi.errors. */
const calling = (key: 'wsgi.input' | 'wsgi.errors', method: string, ...values: unknown[]): Application => {
  return async (environ, startResponse) => {
    try {
      await Reflect.apply(Reflect.get(environ[key], method), environ[key], values);
    } catch {
      // Our input refuses it too.
    }
    startResponse('201 Created', TEXT);
    return [];
  };
};

/** A case of an input that answers wrongly. */
const wrongInput = (name: string, input: object, method: string, ...rules: RuleId[]): PortedCase => ({
  name: `input handling: ${name}`,
  async run() {
    const broken: RuleId[] = [];
    const note = ({ rule }: { rule: RuleId }): void => void broken.push(rule);
    const checked = validate(calling('wsgi.input', method), {
      mode: 'report',
      onError: note,
      onWarning: note,
    });
    const whole = { read: 1, readline: 1, readlines: 1, [Symbol.asyncIterator]: 1 };
    const stream = Object.fromEntries(
      Reflect.ownKeys(whole).map((key) => [key, async () => Buffer.alloc(0)]),
    );
    const environ = { ...testingEnviron(), 'wsgi.input': Object.assign(stream, input) };
    // It lacks what no case needs.
    await checked(environ as unknown as Environ, () => async () => {});
    expect(broken).toEqual(rules);
  },
});

const DELIMITERS = [...'(),/:;<=>?@[\\]{}\x7f'];
const INVALID = [
  ...Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)),
  ' ',
  '"',
  ...DELIMITERS,
];
const VALID = Array.from({ length: 127 }, (_, code) => String.fromCharCode(code)).filter(
  (one) => !INVALID.includes(one),
);

const OTHER_SPEC = 'an extension of Rack that PEP 3333 does not have';

const CASES: readonly PortedCase[] = [
  app('pass valid request', hello),
  {
    name: 'fatal: no environment',
    run: () => expect(brokenBy(undefined)).toEqual(['environ-1-plain-object']),
  },
  { name: 'environment: not a Hash', run: () => expect(brokenBy(5)).toEqual(['environ-1-plain-object']) },
  {
    name: 'environment: frozen',
    run: () => expect(brokenBy(Object.freeze(testingEnviron()))).toContain('environ-1-plain-object'),
  },
  environ('no REQUEST_METHOD', { REQUEST_METHOD: undefined }, 'environ-3-required-keys'),
  environ('no SERVER_NAME', { SERVER_NAME: undefined }, 'environ-3-required-keys'),
  environ('HTTP_CONTENT_TYPE', { HTTP_CONTENT_TYPE: 'text/plain' }, 'environ-6-content-keys'),
  environ('HTTP_CONTENT_LENGTH', { HTTP_CONTENT_LENGTH: '42' }, 'environ-6-content-keys'),
  environ('an object as value', { FOO: {} }, 'environ-4-string-values'),
  environ('the version as a string', { 'wsgi.version': '0.2' }, 'environ-8-version'),
  environ('the scheme gopher', { 'wsgi.url_scheme': 'gopher' }, 'environ-9-url-scheme'),
  ...['rack.session', 'rack.logger', 'rack.multipart.buffer_size', 'rack.multipart.tempfile_factory'].map(
    (key): PortedCase => ({ name: `environment: ${key}`, differs: OTHER_SPEC }),
  ),
  environ('a method with a question mark', { REQUEST_METHOD: 'OOPS?' }, 'environ-10-method'),
  environ('SCRIPT_NAME without a slash', { SCRIPT_NAME: 'howdy' }, 'environ-11-script-name-slash'),
  environ('PATH_INFO without a slash', { PATH_INFO: '../foo' }, 'environ-14-path-info-slash'),
  environ('CONTENT_LENGTH of letters', { CONTENT_LENGTH: 'xcii' }, 'environ-17-content-length'),
  environ('QUERY_STRING null', { QUERY_STRING: null }, 'environ-4-string-values'),
  environ('QUERY_STRING with U+1234', { QUERY_STRING: '\u1234' }, 'environ-5-native-strings'),
  environ('QUERY_STRING with octets', { QUERY_STRING: '\xe1\x88\xb4' }),
  environ('no paths', { PATH_INFO: undefined, SCRIPT_NAME: undefined }, 'environ-15-path'),
  environ('SCRIPT_NAME /', { SCRIPT_NAME: '/' }, 'environ-12-script-name-root'),
  environ('input that is a string', { 'wsgi.input': '' }, 'environ-21-input'),
  {
    name: 'input: not binary, another encoding',
    differs: 'streams of JavaScript have no such mode; what is read is checked',
  },
  environ('errors that is a string', { 'wsgi.errors': '' }, 'environ-21-errors'),
  app(
    'response: a string',
    answer(() => ''),
    'body-100-iterable',
  ),
  app(
    'response: null',
    answer(() => null),
    'body-100-iterable',
  ),
  app(
    'status: no number',
    answer(() => [], TEXT, 'cc'),
    'start-response-59-status-form',
  ),
  app(
    'status: 42',
    answer(() => [], TEXT, '042 X'),
    'start-response-60-final-status',
  ),
  app('header: no list', headers({}), 'start-response-62-headers-type'),
  app('header: a key that is no string', headers([[true, 'x']]), 'start-response-62-headers-type'),
  app('header: Status', headers([['Status', '404']]), 'start-response-63-status-header'),
  {
    name: 'header: invalid names',
    async run() {
      expect(INVALID).toHaveLength(51);
      for (const name of INVALID) {
        const rules = await rulesOf(headers([[name, 'text/plain']]));
        expect(rules, JSON.stringify(name)).toEqual(['start-response-64-header-name']);
      }
    },
  },
  {
    name: 'header: valid names',
    differs:
      'a name that does not begin with a letter, or ends in - or _, is a warning, as in wsgiref.validate',
    async run() {
      expect(VALID).toHaveLength(77);
      for (const name of VALID) {
        const rules = await rulesOf(headers([[name, 'text/plain']]));
        const style: RuleId[] = /[A-Za-z]/.test(name) ? [] : ['start-response-65-header-name-style'];
        expect(rules, JSON.stringify(name)).toEqual(style);
      }
    },
  },
  app('header: an object as value', headers([['Foo', {}]]), 'start-response-62-headers-type'),
  app('header: an array as value', headers([['Foo', [1, 2, 3]]]), 'start-response-62-headers-type'),
  app('header: NUL in a value', headers([['Foo-Bar', 'text\0plain']]), 'start-response-66-header-value'),
  {
    name: 'header: line ends in a value',
    differs: 'LF is refused, as in PEP 3333: two headers of one name are two pairs',
    run: async () =>
      expect(await rulesOf(headers([['Foo-Bar', 'one\ntwo']]))).toEqual(['start-response-66-header-value']),
  },
  app('header: a list of pairs', headers([...TEXT, ['Content-Length', '0']])),
  ...[204, 304].map((status) =>
    app(
      `content-type: with ${status}`,
      answer(() => [], TEXT, `${status} X`),
      'start-response-70-no-content-type',
    ),
  ),
  ...[100, 101].map((status) =>
    app(
      `content-type: with ${status}`,
      answer(() => [], TEXT, `${status} X`),
      'start-response-60-final-status',
    ),
  ),
  app(
    'content-length: with 204',
    answer(() => [], [['Content-Length', '0']], '204 X'),
    'start-response-71-no-content-length',
  ),
  ...[100, 101].map((status) =>
    app(
      `content-length: with ${status}`,
      answer(() => [], [['Content-Length', '0']], `${status} X`),
      'start-response-60-final-status',
      'start-response-71-no-content-length',
    ),
  ),
  {
    name: 'content-length: with 304',
    differs: 'RFC 9110 §8.6 allows it: it is the length of the answer to a GET',
    run: async () => expect(await rulesOf(answer(() => [], [['Content-Length', '5']], '304 X'))).toEqual([]),
  },
  app('content-length: 1 for nothing', headers([...TEXT, ['Content-Length', '1']]), 'body-139-too-short'),
  app('body: numbers', headers(TEXT, [1, 2, 3]), 'body-101-octets'),
  { name: 'input handling: gets with a separator', differs: 'PEP 3333: readline takes a size' },
  app('input handling: read(1, 2, 3)', calling('wsgi.input', 'read', 1, 2, 3), 'input-162-arguments'),
  app("input handling: read('foo')", calling('wsgi.input', 'read', 'foo'), 'input-162-arguments'),
  {
    name: 'input handling: read(-1)',
    differs: 'a negative size reads the rest, as in Python',
    run: async () => expect(await rulesOf(calling('wsgi.input', 'read', -1))).toEqual([]),
  },
  app('input handling: read(null, null)', calling('wsgi.input', 'read', null, null), 'input-162-arguments'),
  app('input handling: read(null, 1)', calling('wsgi.input', 'read', null, 1), 'input-162-arguments'),
  { name: 'input handling: rewind(0)', differs: 'PEP 3333 has no rewind' },
  wrongInput('readline gives a number', { readline: async () => 42 }, 'readline', 'input-165-octets'),
  wrongInput('readlines gives numbers', { readlines: async () => [23, 42] }, 'readlines', 'input-165-octets'),
  wrongInput('read gives a number', { read: async () => 23 }, 'read', 'input-165-octets'),
  wrongInput('read gives null at the end', { read: async () => null }, 'read', 'input-165-octets'),
  { name: 'input handling: rewind fails', differs: 'PEP 3333 has no rewind' },
  app('input handling: close', calling('wsgi.input', 'close'), 'input-163-close'),
  app('error handling: write(42)', calling('wsgi.errors', 'write', 42), 'errors-165-text'),
  app('error handling: close', calling('wsgi.errors', 'close'), 'errors-165-close'),
  {
    name: 'HEAD: nothing',
    run: async () =>
      expect(await rulesOf(headers([...TEXT, ['Content-Length', '3']]), { method: 'HEAD' })).toEqual([]),
  },
  {
    name: 'HEAD: content',
    differs: 'it is a warning: hosts drop it, and PEP 3333 allows it',
    run: async () => expect(await rulesOf(hello, { method: 'HEAD' })).toEqual(['body-139-head']),
  },
  ...[[], [0], [1], [null]].map((values) =>
    app(`valid read calls: read(${values.map(String)})`, calling('wsgi.input', 'read', ...values)),
  ),
  { name: 'valid read calls: with a buffer', differs: 'PEP 3333: read takes a size only' },
  { name: 'InputWrapper: delegates rewind', differs: 'PEP 3333 has no rewind' },
];

declarePorted('Rack spec_lint', CASES);
