import { describe, expect, it } from 'vitest';
import { addVariables, MetaVariables, metaVariables } from '../../../bridges/_cgi/meta-variables.ts';
import { createEnviron, type Environ, type GatewayRequest } from '../../../src/index.ts';

function environOf(
  request: Partial<GatewayRequest> = {},
  more: Readonly<Record<string, unknown>> = {},
): Environ {
  return createEnviron(
    {
      method: 'GET',
      target: '/',
      protocol: 'HTTP/1.1',
      rawHeaders: [],
      scheme: 'http',
      serverName: 'site.test',
      serverPort: '80',
      ...request,
    },
    { environ: more },
  );
}

function variablesOf(environ: Environ, authorization = false): Record<string, string> {
  return Object.fromEntries(metaVariables(environ, { authorization }));
}

describe('metaVariables()', () => {
  it('gives what RFC 3875 §4.1 lists, and no more', () => {
    const environ = environOf({
      method: 'POST',
      target: '/shop/caf%C3%A9?a=%20b',
      mount: '/shop',
      url: '/caf%C3%A9?a=%20b',
      rawHeaders: [
        'Host',
        'site.test',
        'Content-Type',
        'text/plain',
        'Content-Length',
        '3',
        'X-Own',
        'a',
        'X-Own',
        'b',
      ],
      remoteAddress: '::ffff:192.0.2.1',
      remotePort: '4711',
    });
    expect(variablesOf(environ)).toEqual({
      GATEWAY_INTERFACE: 'CGI/1.1',
      REQUEST_METHOD: 'POST',
      SCRIPT_NAME: '/shop',
      PATH_INFO: '/caf\xc3\xa9',
      QUERY_STRING: 'a=%20b',
      REQUEST_URI: '/shop/caf%C3%A9?a=%20b',
      REQUEST_SCHEME: 'http',
      SERVER_NAME: 'site.test',
      SERVER_PORT: '80',
      SERVER_PROTOCOL: 'HTTP/1.1',
      SERVER_SOFTWARE: expect.stringContaining('gatebridge'),
      REMOTE_ADDR: '192.0.2.1',
      REMOTE_PORT: '4711',
      CONTENT_TYPE: 'text/plain',
      CONTENT_LENGTH: '3',
      HTTP_HOST: 'site.test',
      HTTP_X_OWN: 'a, b',
    });
  });

  it('has no content variables without content, and no address without one', () => {
    const names = Object.keys(variablesOf(environOf()));
    expect(names).not.toContain('CONTENT_LENGTH');
    expect(names).not.toContain('CONTENT_TYPE');
    expect(names).not.toContain('REMOTE_ADDR');
    expect(variablesOf(environOf({}, { CONTENT_LENGTH: '', REMOTE_USER: '' }))).toEqual(
      variablesOf(environOf()),
    );
  });

  it('says HTTPS=on over TLS, and passes facts about it', () => {
    const variables = variablesOf(environOf({ scheme: 'https', extensions: { SSL_PROTOCOL: 'TLSv1.3' } }));
    expect(variables).toMatchObject({ HTTPS: 'on', REQUEST_SCHEME: 'https', SSL_PROTOCOL: 'TLSv1.3' });
    expect(variablesOf(environOf())).not.toHaveProperty('HTTPS');
  });

  it.each([
    ['Proxy', 'HTTP_PROXY'],
    ['X_Own', 'HTTP_X_OWN'],
    ['Content_Length', 'HTTP_CONTENT_LENGTH'],
    ['Connection', 'HTTP_CONNECTION'],
    ['Transfer-Encoding', 'HTTP_TRANSFER_ENCODING'],
    ['TE', 'HTTP_TE'],
    ['Authorization', 'HTTP_AUTHORIZATION'],
    ['X.Own', 'HTTP_X.OWN'],
    ['BASH_FUNC_x%%', 'HTTP_BASH_FUNC_X%%'],
  ])('does not let %s pass', (name, key) => {
    expect(variablesOf(environOf({ rawHeaders: [name, 'value'] }))).not.toHaveProperty(key);
    // Nor from middleware, which knows no better.
    if (key !== 'HTTP_X_OWN') expect(variablesOf(environOf({}, { [key]: 'value' }))).not.toHaveProperty(key);
  });

  it('passes Authorization if it is asked to', () => {
    const environ = environOf({ rawHeaders: ['Authorization', 'Basic YTpi'] });
    expect(variablesOf(environ, true)).toMatchObject({ HTTP_AUTHORIZATION: 'Basic YTpi' });
  });

  it('passes neither other keys nor the environment that runCgi puts into the environ', () => {
    const secret = {
      'app.secret': 's',
      'wsgi.secret': 's',
      AWS_SECRET_ACCESS_KEY: 's',
      PATH: '/s',
      SSL_CERT_FILE: '/s',
      LD_PRELOAD: '/s',
      RAW_URI: '/s',
    };
    expect(variablesOf(environOf({}, secret))).toEqual(variablesOf(environOf()));
  });

  it('shows the path of a whole URI', () => {
    const environ = environOf({ target: 'http://other.test/a?b' });
    expect(variablesOf(environ)).toMatchObject({ REQUEST_URI: '/a?b', HTTP_HOST: 'other.test' });
  });

  it('refuses NUL, which no environment can hold', () => {
    expect(() => variablesOf(environOf({ target: '/a%00b' }))).toThrow(
      expect.objectContaining({ code: 'WSGI_ERR_TARGET_INVALID', statusCode: 400 }),
    );
  });

  it('refuses text of middleware that is no native string', () => {
    expect(() => variablesOf(environOf({}, { REMOTE_USER: 'Łukasz' }))).toThrow(
      /REMOTE_USER .* encodeNative/,
    );
  });
});

describe('addVariables()', () => {
  const add = (pairs: Readonly<Record<string, unknown>>): Record<string, string> => {
    const variables = new MetaVariables(['REMOTE_USER', 'before']);
    addVariables(variables, pairs);
    return Object.fromEntries(variables);
  };

  it('adds and replaces variables, and removes those that are undefined', () => {
    expect(add({ REMOTE_USER: 'ada', APP_ID: 7, lower: 'x' })).toEqual({
      REMOTE_USER: 'ada',
      APP_ID: '7',
      lower: 'x',
    });
    expect(add({ REMOTE_USER: undefined })).toEqual({});
  });

  it('leaves keys alone that are none of an environment', () => {
    expect(add({ 'wsgi.errors': {}, 'app.db': {}, 'A=B': 'x', '': 'x' })).toEqual({ REMOTE_USER: 'before' });
  });

  it.each([[{}], [null], [true], [() => 'x']])('refuses %o', (value) => {
    expect(() => add({ NAME: value })).toThrow(/NAME of option environ must be a string/);
  });

  it('refuses what is no native string, and NUL', () => {
    expect(() => add({ NAME: 'Łukasz' })).toThrow(RangeError);
    expect(() => add({ NAME: 'a\0b' })).toThrow(/NUL/);
  });
});
