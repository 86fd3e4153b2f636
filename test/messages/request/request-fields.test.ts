import { describe, expect, it } from 'vitest';
import { fromNode } from '../../../bridges/node/index.ts';
import { createEnviron, type EnvironOptions } from '../../../src/gateway/environ.ts';
import { rawHeaders } from '../../../src/messages/request/request-fields.ts';
import { createServer, type ServerOptions } from '../../../src/server/index.ts';
import type { ApplicationFunction, Environ } from '../../../src/wsgi.ts';
import { listen } from '../../bridges/site.ts';

function environOf(lines: readonly string[], options?: EnvironOptions, target = '/'): Environ {
  return createEnviron(
    {
      method: 'GET',
      target,
      protocol: 'HTTP/1.1',
      rawHeaders: lines,
      scheme: 'http',
      serverName: '127.0.0.1',
      serverPort: '80',
    },
    options,
  );
}

const LINES = [
  'HOST',
  'a',
  'cookie',
  'a=1',
  'X-Two',
  '1',
  'x_y',
  '3',
  'Proxy',
  'p',
  'x-TWO',
  '2',
  'Cookie',
  'b=2',
];

describe('rawHeaders', () => {
  it.each([
    [[]],
    [['Host', 'a']],
    [LINES],
    [['Host', 'a', 'Content-Length', '0', 'Content-Type', '']],
    [['Host', 'a', 'A', 'x', 'a', 'x']],
    [['x_y', '1', 'X-Y', '2']],
  ])('gives the received lines themselves if nothing has changed: %j', (lines) => {
    expect(rawHeaders(environOf(lines))).toBe(lines);
    expect(rawHeaders({ ...environOf(lines) })).toBe(lines);
    expect(rawHeaders(environOf(lines, { underscoreHeaders: 'allow' }))).toEqual(lines);
    expect(rawHeaders(environOf(lines, {}, '*'))).toBe(lines);
  });

  it.each([
    ['removed', undefined, ['Host', 'a']],
    ['removed beside a name with a hyphen', undefined, ['Host', 'a'], ['X-User', 'e']],
    ['changed', 'f', ['Host', 'a', 'x_user', 'f']],
    ['left with the value of a name with a hyphen', 'e', ['Host', 'a', 'x_user', 'e'], ['X-User', 'e']],
  ])(
    'counts a key of a name with `_` that is allowed and was %s',
    (_name, value, expected, more: string[] = []) => {
      const lines = ['Host', 'a', 'x_user', 'mallory', ...more];
      const environ = environOf(lines, { underscoreHeaders: 'allow' });
      expect(rawHeaders({ ...environ, HTTP_X_USER: value })).toEqual(expected);
      // Another mount of the same request drops the name: nothing has changed there.
      expect(rawHeaders({ ...environOf(lines) })).toBe(lines);
    },
  );

  const CHANGES: readonly [name: string, changes: Record<string, unknown>, lines: string[]][] = [
    ['a changed value', { HTTP_HOST: 'b' }, ['HOST', 'b', ...LINES.slice(2)]],
    ['a removed field', { HTTP_COOKIE: undefined }, [...LINES.slice(0, 2), ...LINES.slice(4, 12)]],
    [
      'a value for all lines of a name',
      { HTTP_X_TWO: '5' },
      ['HOST', 'a', 'cookie', 'a=1', 'X-Two', '5', 'x_y', '3', 'Proxy', 'p', 'Cookie', 'b=2'],
    ],
    [
      'a list',
      { HTTP_X_TWO: ['5', 6] },
      ['HOST', 'a', 'cookie', 'a=1', 'X-Two', '5', 'X-Two', '6', 'x_y', '3', 'Proxy', 'p', 'Cookie', 'b=2'],
    ],
    ['an added field', { HTTP_X_REMOTE_USER: 'emma' }, [...LINES, 'X-Remote-User', 'emma']],
    ['an added list', { HTTP_X_A: ['1', '2'] }, [...LINES, 'X-A', '1', 'X-A', '2']],
    [
      'an added type and length',
      { CONTENT_TYPE: 'text/plain', CONTENT_LENGTH: '3' },
      [...LINES, 'Content-Type', 'text/plain', 'Content-Length', '3'],
    ],
    ['an empty value', { HTTP_HOST: '' }, ['HOST', '', ...LINES.slice(2)]],
    ['an empty type, which is none', { CONTENT_TYPE: '' }, LINES],
    ['a key that a dropped name would have', { HTTP_X_Y: 'new' }, [...LINES, 'X-Y', 'new']],
  ];

  it.each(CHANGES)('shows %s, and all else as it was received', (_name, changes, lines) => {
    const environ = Object.assign(environOf(LINES), changes);
    for (const [key, value] of Object.entries(changes)) if (value === undefined) delete environ[key];
    expect(rawHeaders(environ)).toEqual(lines);
  });

  it('takes undefined for a removed key', () => {
    expect(rawHeaders(Object.assign(environOf(['A', '1']), { HTTP_A: undefined }))).toEqual([]);
  });

  it('has one framing: a changed length removes Transfer-Encoding, a removed one becomes chunks', () => {
    const chunked = environOf(['Transfer-Encoding', 'chunked', 'A', '1']);
    chunked.CONTENT_LENGTH = '5';
    expect(rawHeaders(chunked)).toEqual(['A', '1', 'Content-Length', '5']);
    const sized = environOf(['Content-Length', '9', 'Content-Encoding', 'gzip']);
    delete sized.CONTENT_LENGTH;
    delete sized.HTTP_CONTENT_ENCODING;
    expect(rawHeaders(sized)).toEqual(['Transfer-Encoding', 'chunked']);
    sized['wsgi.input_terminated'] = false;
    expect(rawHeaders(sized)).toEqual([]);
  });

  it('replaces Host where the target has an authority', () => {
    const lines = ['A', '1', 'HOST', 'wrong.test'];
    const environ = environOf(lines, {}, 'http://right.test/');
    expect(rawHeaders(environ)).toEqual(['A', '1', 'HOST', 'right.test']);
    environ.HTTP_HOST = 'other.test';
    expect(rawHeaders(environ)).toEqual(['A', '1', 'HOST', 'other.test']);
    expect(lines[3]).toBe('wrong.test');
  });

  it('rebuilds all lines without those that were received', () => {
    const environ: Environ = { ...environOf(LINES), CONTENT_LENGTH: '' };
    // Against the types, as JavaScript may.
    Object.assign(environ, { HTTP_A: ['1', '2'] });
    delete environ['gateway.raw_headers'];
    expect(rawHeaders(environ)).toEqual([
      'Host',
      'a',
      'Cookie',
      'a=1; b=2',
      'X-Two',
      '1, 2',
      'A',
      '1',
      'A',
      '2',
    ]);
  });
});

describe('a program that the server calls directly', () => {
  const show = fromNode((request, response) => response.end(String(request.headers['x-user'])));
  const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\nX-User: client\r\nConnection: close\r\n\r\n';

  async function answer(application: ApplicationFunction, options: ServerOptions = {}): Promise<string> {
    const site = await listen(createServer(application, options));
    const client = site.open();
    client.send(HEAD);
    return (await client.readRest()).toString('latin1').split('\r\n\r\n')[1] ?? '';
  }

  it('sees what was received', async () => {
    expect(await answer(show)).toBe('client');
  });

  it('sees what the deployer has added', async () => {
    expect(await answer(show, { environ: { HTTP_X_USER: 'deployer' } })).toBe('deployer');
  });

  it.each<[string, (environ: Environ) => void]>([
    ['changed', (environ) => void Object.assign(environ, { HTTP_X_USER: 'middleware' })],
    ['removed', (environ) => void delete environ.HTTP_X_USER],
  ])('sees what it has %s itself, if it is called again', async (_what, change) => {
    let isFirst = true;
    // It calls itself by way of a second application, as a dispatcher does.
    const twice: ApplicationFunction = fromNode((request, response) =>
      response.end(`${isFirst} ${request.headers['x-user']}`),
    );
    const middleware: ApplicationFunction = async (environ, startResponse) => {
      await twice(environ, () => async () => {});
      isFirst = false;
      change(environ);
      return twice(environ, startResponse);
    };
    const expected = _what === 'changed' ? 'middleware' : 'undefined';
    expect(await answer(middleware)).toBe(`false ${expected}`);
  });
});
