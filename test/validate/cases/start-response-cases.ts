/** The cases of the rules for startResponse. */
import { setTimeout as pause } from 'node:timers/promises';
import type { START_RESPONSE_RULES } from '../../../src/validate/start-response-rules.ts';
import type { Application, HeaderList, StartResponse } from '../../../src/wsgi.ts';
import { answer, app, byApplication, octets, type RuleCase, server, TEXT, type Variant } from './kit.ts';

const applications = byApplication('the application calls startResponse');
const NO_APPLICATION = 'the server answers the call';

/** An application that passes these arguments, of any type, and returns no content. */
function starting(name: string, ...values: unknown[]): Variant {
  return app(name, (_environ, startResponse) => {
    Reflect.apply(startResponse, undefined, values);
    return [];
  });
}

const status = (text: unknown): Variant => starting(`${JSON.stringify(text)}`, text, TEXT);

const header = (name: unknown, value: unknown): Variant =>
  starting(`${JSON.stringify(name)}: ${JSON.stringify(value)}`, '200 OK', [[name, value]]);

const headers = (name: string, list: unknown): Variant => starting(name, '200 OK', list);

const twice = (...second: Parameters<StartResponse>): Application => {
  return (_environ, startResponse) => {
    startResponse('200 OK', TEXT);
    startResponse(...second);
    return [];
  };
};

/** An application that passes excInfo after its first chunk. */
const failing: Application = async function* (_environ, startResponse) {
  startResponse('200 OK', TEXT);
  yield octets('one');
  startResponse('500 Internal Server Error', TEXT, new Error('failed'));
  yield octets('two');
};

/** A server that takes a second head whenever it comes, and does this instead of throwing. */
const swallowing = (name: string, instead: () => void): Variant =>
  server(
    name,
    async ({ call, environ }) => {
      const body = await call(environ, (_status, _headers, excInfo) => {
        if (excInfo !== undefined) instead();
        return async () => {};
      });
      for await (const chunk of body) String(chunk);
    },
    failing,
  );

const bare: HeaderList = [];

export const START_RESPONSE_CASES: Readonly<Record<keyof typeof START_RESPONSE_RULES, RuleCase>> = {
  'start-response-57-arguments': applications(
    starting('one argument', '204 No Content'),
    starting('four arguments', '200 OK', TEXT, undefined, 4),
  ).butRight(starting('excInfo that is undefined', '200 OK', TEXT, undefined)),
  'start-response-58-status-type': applications(status(200), status(null), status(['200 OK'])),
  'start-response-59-status-form': applications(
    ...['200', '20X OK', '200OK', ' 200 OK', '1000 X', '', 'OK 200', '200-OK'].map(status),
  ).butRight(status('200 '), status('404 Not found, sorry'), status('299 X')),
  'start-response-60-final-status': applications(
    status('100 Continue'),
    status('099 X'),
    status('103 Early Hints'),
  ),
  'start-response-61-status-characters': applications(
    status('200 O\nK'),
    status('200 O\0K'),
    status('200 O\x7fK'),
  ),
  'start-response-62-headers-type': applications(
    headers('a flat pair', ['Content-Type', 'text/plain']),
    headers('an object', { 'Content-Type': 'text/plain' }),
    headers('a Map', new Map([['Content-Type', 'text/plain']])),
    headers('null', null),
    headers('a triple', [['Content-Type', 'text/plain', 'x']]),
    header('X-Number', 5),
    header(5, 'X-Number'),
    header('X-List', ['a', 'b']),
  ).butRight(headers('a frozen list', Object.freeze([Object.freeze(['Content-Type', 'text/plain'])]))),
  'start-response-63-status-header': applications(header('Status', '200 OK'), header('status', '404')),
  'start-response-64-header-name': applications(
    ...['', 'Content Type', 'X:Y', 'X\r\nY', 'X(', 'X\x7f'].map((name) => header(name, 'x')),
  ),
  'start-response-65-header-name-style': applications(
    ...['X-', 'X_', '1X', '-X', '!'].map((name) => header(name, 'x')),
  ).butRight(header('X', 'x'), header('X-1', 'x'), header('x_y', 'x')),
  'start-response-66-header-value': applications(
    ...['a\nb', 'a\rb', 'a\0b', 'a\x7fb', 'a\x1fb'].map((value) => header('X-Value', value)),
  ).butRight(header('X-Value', 'a\tb'), header('X-Value', ''), header('X-Value', ' a ')),
  'start-response-67-native-strings': applications(
    status('200 \u4e2d'),
    header('X-Value', '\u010a'),
    header('X-\u4e2d', 'x'),
  ).butRight(header('X-Value', '\xe9'), status('200 \xe9')),
  'start-response-69-hop-by-hop': applications(
    ...[
      'Connection',
      'keep-alive',
      'Transfer-Encoding',
      'TE',
      'Trailer',
      'UPGRADE',
      'Proxy-Authenticate',
    ].map((name) => header(name, 'x')),
  ).butRight(header('Via', 'x'), header('Date', 'x'), header('Cache-Control', 'x')),
  'start-response-70-content-type': applications(
    app(
      'an array',
      answer(() => [octets('x')], bare),
    ),
    app(
      'a generator',
      answer(() => [octets('x')].values(), bare),
    ),
    app('write', async (_environ, startResponse) => {
      await startResponse('200 OK', [])(octets('x'));
      return [];
    }),
  ).butRight(
    app(
      'no content',
      answer(() => [], bare),
    ),
    app(
      'a redirect',
      answer(() => [octets('')], [['Location', '/']], '302 Found'),
    ),
  ),
  'start-response-70-no-content-type': applications(
    starting('204', '204 No Content', TEXT),
    starting('304', '304 Not Modified', TEXT),
  ),
  'start-response-71-no-content-length': applications(
    starting('204', '204 No Content', [['Content-Length', '0']]),
  ).butRight(
    starting('304', '304 Not Modified', [['Content-Length', '5']]),
    starting('205', '205 Reset Content', [['Content-Length', '0']]),
  ),
  'start-response-72-second-call': applications(
    app('twice', twice('500 Internal Server Error', TEXT)),
    app('with null', twice('500 Internal Server Error', TEXT, null)),
  ).butRight(app('with excInfo', twice('500 Internal Server Error', TEXT, new Error('failed')))),
  'start-response-76-reraise': {
    applications: NO_APPLICATION,
    servers: [
      swallowing('nothing is thrown', () => {}),
      swallowing('another error is thrown', () => {
        throw new Error('late');
      }),
    ],
    right: [
      app('the gateway', failing),
      app('before the head', function* (_environ, startResponse) {
        startResponse('200 OK', TEXT);
        yield octets('');
        startResponse('500 Internal Server Error', TEXT, new Error('failed'));
        yield octets('failed');
      }),
    ],
  },
  'start-response-78-exc-info': applications(
    app('a string', twice('500 Internal Server Error', TEXT, 'failed')),
    app('true', twice('500 Internal Server Error', TEXT, true)),
  ).butRight(app('a tuple', twice('500 Internal Server Error', TEXT, [Error, new Error('failed'), null]))),
  'start-response-80-write': {
    applications: NO_APPLICATION,
    servers: [
      server('undefined', ({ call, environ }) => call(environ, (() => undefined) as never)),
      server('a promise', ({ call, environ }) => call(environ, (async () => async () => {}) as never)),
    ],
  },
  'start-response-84-called': applications(
    app('an empty array', () => []),
    app('an empty generator', function* () {}),
    app('an empty async generator', async function* () {}),
  ),
  'start-response-89-after-the-end': applications(
    app('after an array', (_environ, startResponse) => {
      void pause(1)
        .then(() => startResponse('500 Internal Server Error', TEXT, new Error('late')))
        .catch(() => {});
      startResponse('200 OK', TEXT);
      return [octets('x')];
    }),
  ),
  'start-response-140-etag': applications(
    header('ETag', 'abc'),
    header('ETag', 'w/"abc"'),
    header('ETag', '"a"b"'),
  ).butRight(header('ETag', '"abc"'), header('ETag', 'W/"abc"'), header('ETag', '""')),
  'start-response-140-not-modified': applications(
    starting('an encoding', '304 Not Modified', [['Content-Encoding', 'gzip']]),
    starting('a language', '304 Not Modified', [['content-language', 'en']]),
  ).butRight(
    starting('those for caches', '304 Not Modified', [
      ['ETag', '"a"'],
      ['Vary', 'Accept'],
      ['Content-Location', '/a'],
      ['Last-Modified', 'x'],
    ]),
  ),
  'start-response-139-content-length': applications(
    ...['', '+5', '-5', '0x5', '5, 5', '99999999999999999999'].map((value) =>
      header('Content-Length', value),
    ),
    headers('twice', [
      ['Content-Length', '0'],
      ['Content-Length', '0'],
    ]),
  ),
};
