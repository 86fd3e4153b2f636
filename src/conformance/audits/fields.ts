/** Audits of the environ: the field lines of a request. */
import assert, { equal } from 'node:assert/strict';
import type { GatewayAudit } from '../audit.ts';
import { environAudit, refusalAudit } from './kit.ts';

/** The audits of lines 36 to 47. */
export const FIELD_AUDITS: readonly GatewayAudit[] = [
  environAudit({
    id: 'environ-36-repeated-field',
    sentence: 'MUST join repeated fields in order into one variable, without the white space around them',
    citation: 'RFC 3875 §4.1.18; RFC 9110 §5.3',
    request: {
      headers: [
        ['X-Test-Header', ' a '],
        ['x-test-header', 'b\t'],
      ],
    },
    check: (environ) => equal(environ.HTTP_X_TEST_HEADER, 'a, b'),
  }),
  environAudit({
    id: 'environ-37-cookie',
    sentence: 'MUST join Cookie fields by a semicolon',
    citation: 'RFC 9113 §8.2.3; RFC 6265 §4.2.1',
    request: {
      headers: [
        ['Cookie', 'a=1'],
        ['Cookie', 'b=2'],
      ],
    },
    check: (environ) => equal(environ.HTTP_COOKIE, 'a=1; b=2'),
  }),
  environAudit({
    id: 'environ-38-dropped-by-node',
    sentence: 'MUST keep repeated User-Agent and Authorization fields instead of dropping them',
    citation: 'RFC 3875 §4.1.18; RFC 9110 §5.3',
    needs: ['http1'],
    request: {
      headers: [
        ['User-Agent', 'one'],
        ['User-Agent', 'two'],
        ['Authorization', 'Basic eDp5'],
        ['Authorization', 'Basic ejp6'],
      ],
    },
    check(environ) {
      equal(environ.HTTP_USER_AGENT, 'one, two');
      equal(environ.HTTP_AUTHORIZATION, 'Basic eDp5, Basic ejp6');
    },
  }),
  refusalAudit({
    id: 'environ-39-repeated-singletons',
    sentence:
      'MUST refuse a request that repeats Host, Content-Type or Content-Length, even if the values agree',
    citation: 'RFC 9112 §3.2 and §6.3; RFC 9110 §8.3',
    needs: ['http1', 'as-received'],
    statusCode: 400,
    requests: [
      { headers: [['Host', 'audit.test']] },
      { headers: [['Host', 'other.test']] },
      {
        method: 'POST',
        content: '',
        headers: [
          ['Content-Type', 'text/plain'],
          ['content-type', 'text/plain'],
        ],
      },
      {
        method: 'POST',
        content: 'hello',
        headers: [
          ['Content-Length', '5'],
          ['Content-Length', '5'],
        ],
      },
    ],
  }),
  refusalAudit({
    id: 'environ-40-missing-host',
    sentence: 'MUST refuse an HTTP/1.1 request without Host',
    citation: 'RFC 9112 §3.2',
    needs: ['http1'],
    statusCode: 400,
    requests: [{ host: null }],
  }),
  environAudit({
    id: 'environ-40-http-1-0-without-host',
    sentence: 'MUST serve an HTTP/1.0 request without Host, and leave HTTP_HOST out',
    citation: 'RFC 9112 §3.2',
    needs: ['http1', 'as-received'],
    request: { protocol: 'HTTP/1.0', host: null },
    check(environ) {
      assert.ok(!('HTTP_HOST' in environ), 'HTTP_HOST must be absent');
      equal(environ.SERVER_PROTOCOL, 'HTTP/1.0');
    },
  }),
  environAudit({
    id: 'environ-41-underscore',
    sentence: 'MUST NOT take a field with an underscore in its name for one with a hyphen',
    citation: 'CVE-2015-0219',
    request: {
      headers: [
        ['X_Foo', 'evil'],
        ['X-Bar', 'good'],
        ['X_Bar', 'evil'],
      ],
    },
    check(environ) {
      assert.ok(!('HTTP_X_FOO' in environ), 'HTTP_X_FOO must be absent');
      equal(environ.HTTP_X_BAR, 'good');
    },
  }),
  refusalAudit({
    id: 'environ-42-underscore-refused',
    sentence: 'MUST refuse a field with an underscore if underscoreHeaders is refuse',
    citation: 'CVE-2015-0219; Gunicorn header_map',
    statusCode: 400,
    requests: [{ headers: [['X_Foo', 'evil']] }],
    options: { gateway: { underscoreHeaders: 'refuse' } },
  }),
  environAudit({
    id: 'environ-42-underscore-allowed',
    sentence: 'MUST pass on a field with an underscore if underscoreHeaders is allow',
    citation: 'Gunicorn header_map',
    request: { headers: [['X_Foo', 'wanted']] },
    options: { gateway: { underscoreHeaders: 'allow' } },
    check: (environ) => equal(environ.HTTP_X_FOO, 'wanted'),
  }),
  environAudit({
    id: 'environ-43-underscore-content-length',
    sentence: 'MUST NOT take Content_Length or Content_Type for the fields with hyphens, even with allow',
    citation: 'RFC 3875 §4.1.18; eventlet pull request 959',
    request: {
      headers: [
        ['Content_Length', '5'],
        ['Content_Type', 'text/evil'],
      ],
    },
    options: { gateway: { underscoreHeaders: 'allow' } },
    check(environ) {
      for (const key of ['CONTENT_LENGTH', 'CONTENT_TYPE', 'HTTP_CONTENT_LENGTH', 'HTTP_CONTENT_TYPE']) {
        assert.ok(!(key in environ), `${key} must be absent`);
      }
    },
  }),
  environAudit({
    id: 'environ-44-proxy',
    sentence: 'MUST NOT turn a Proxy field into HTTP_PROXY',
    citation: 'CVE-2016-5385 (httpoxy)',
    request: { headers: [['Proxy', 'http://evil.test/']] },
    check: (environ) => assert.ok(!('HTTP_PROXY' in environ), 'HTTP_PROXY must be absent'),
  }),
  environAudit({
    id: 'environ-45-field-octets',
    sentence: 'MUST give an octet above 7F in a field value as the code unit of the same number',
    citation: 'PEP 3333, Unicode Issues',
    request: { headers: [['X-Octets', 'a\x80\xe4\xff']] },
    check: (environ) => equal(environ.HTTP_X_OCTETS, 'a\x80\xe4\xff'),
  }),
  environAudit({
    id: 'environ-46-optional-white-space',
    sentence: 'MUST strip space and HTAB from field values, and nothing else',
    citation: 'RFC 9112 §5.1; Waitress issue 432',
    request: {
      headers: [
        ['X-Space', ' \t \xa0v\xa0\t '],
        ['X-Line', '\t\x85v\x85 '],
      ],
    },
    check(environ) {
      equal(environ.HTTP_X_SPACE, '\xa0v\xa0');
      equal(environ.HTTP_X_LINE, '\x85v\x85');
    },
  }),
  environAudit({
    id: 'environ-47-no-content-fields',
    sentence:
      'MUST leave CONTENT_TYPE and CONTENT_LENGTH out of the environ when the request has no such fields',
    citation: 'RFC 3875 §4.1.2 and §4.1.3',
    check(environ) {
      assert.ok(!('CONTENT_TYPE' in environ), 'CONTENT_TYPE must be absent');
      assert.ok(!('CONTENT_LENGTH' in environ), 'CONTENT_LENGTH must be absent');
    },
  }),
  environAudit({
    id: 'environ-47-content-fields',
    sentence: 'MUST give Content-Type and Content-Length as CONTENT_TYPE and CONTENT_LENGTH, without HTTP_',
    citation: 'RFC 3875 §4.1.18',
    request: { method: 'POST', headers: [['content-type', 'text/x-audit; a=b']], content: 'hello' },
    check(environ) {
      equal(environ.CONTENT_TYPE, 'text/x-audit; a=b');
      equal(environ.CONTENT_LENGTH, '5');
      assert.ok(!('HTTP_CONTENT_TYPE' in environ), 'HTTP_CONTENT_TYPE must be absent');
      assert.ok(!('HTTP_CONTENT_LENGTH' in environ), 'HTTP_CONTENT_LENGTH must be absent');
    },
  }),
];
