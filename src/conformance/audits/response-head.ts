/** Audits of the head of a response: refused status and headers, and how the others are sent. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { Application, ApplicationFunction, HeaderList } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import { type AuditRow, audit, hello, octets, responseAudit, text } from './kit.ts';

type Start = readonly [status: unknown, headers: unknown];

/** Makes an audit of calls that must throw inside the application, and send nothing. */
function refusedStartAudit(row: AuditRow & { readonly starts: readonly Start[] }): GatewayAudit {
  return audit({
    ...row,
    async run(host) {
      let next = 0;
      let thrown = 0;
      const application: Application = (_environ, startResponse) => {
        const [status, headers] = row.starts[next] ?? [];
        try {
          // The types forbid some of these values.
          startResponse(status as string, headers as HeaderList);
        } catch (error) {
          thrown += 1;
          throw error;
        }
        return [octets('served')];
      };
      await onStage(host, application, async ({ fetch }) => {
        for (next = 0; next < row.starts.length; next += 1) {
          const what = JSON.stringify(row.starts[next]);
          const { statusCode, raw, content } = await fetch();
          equal(thrown, next + 1, `startResponse must throw for ${what}`);
          equal(statusCode, 500, `The answer must be 500 for ${what}`);
          assert.doesNotMatch(
            raw + content.toString('latin1'),
            /^x-injected|served/im,
            `Nothing of it may leave: ${what}`,
          );
        }
      });
    },
  });
}

const answerInLatin1: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 Tr\xe8s bien', text(['X-Value', 'caf\xe9']));
  return [];
};

const INJECTION = '\r\nX-Injected: 1';

/** Lines 61 to 69: refused status and headers. */
const REFUSAL_AUDITS: readonly GatewayAudit[] = [
  refusedStartAudit({
    id: 'start-response-61-status-controls',
    sentence: 'MUST refuse a status with a control character, and send nothing of it',
    citation: 'PEP 3333, The start_response() Callable; RFC 9112 §11.1',
    starts: [
      `200 OK${INJECTION}`,
      '200 OK\nX-Injected: 1',
      '200 OK\r',
      '200 O\0K',
      '200 O\x7fK',
      '200 \x1b',
    ].map((status) => [status, text()]),
  }),
  refusedStartAudit({
    id: 'start-response-61-status-form',
    sentence: 'MUST refuse a status that is not three digits, a space and a reason, or that is 1xx',
    citation: 'PEP 3333, The start_response() Callable; RFC 9112 §4',
    starts: [200, '200', '20X OK', '200OK', ' 200 OK', '1000 X', '100 Continue', '', null].map((status) => [
      status,
      text(),
    ]),
  }),
  refusedStartAudit({
    id: 'start-response-62-headers-form',
    sentence: 'MUST refuse headers that are not an array of pairs of strings',
    citation: 'PEP 3333, The start_response() Callable',
    starts: [
      ['Content-Type', 'text/plain'],
      null,
      undefined,
      { 'Content-Type': 'text/plain' },
      new Map([['Content-Type', 'text/plain']]),
      [['Content-Type']],
      [['Content-Type', 'text/plain', 'x']],
      [['Content-Length', 5]],
      [[1, 'x']],
    ].map((headers) => ['200 OK', headers]),
  }),
  refusedStartAudit({
    id: 'start-response-64-field-name',
    sentence: 'MUST refuse a header name that is not a token',
    citation: 'RFC 9110 §5.1',
    starts: [
      '',
      'X Injected',
      'X-Injected:',
      `X${INJECTION}`,
      'X-Inj\xe9cted',
      'X\0',
      '(x)',
      'X-Injected ',
      '\u010a',
    ].map((name) => ['200 OK', text([name, '1'])]),
  }),
  refusedStartAudit({
    id: 'start-response-66-value-controls',
    sentence: 'MUST refuse a header value with a control character other than HTAB',
    citation: 'PEP 3333, The start_response() Callable; RFC 9110 §5.5',
    starts: [`a${INJECTION}`, 'a\nX-Injected: 1', 'a\rX-Injected: 1', 'a\0', 'a\x01', 'a\x1b', 'a\x7f'].map(
      (value) => ['200 OK', text(['X-Value', value])],
    ),
  }),
  responseAudit({
    id: 'start-response-66-htab',
    sentence: 'MUST allow HTAB in a header value',
    citation: 'RFC 9110 §5.5',
    application(_environ, startResponse) {
      startResponse('200 OK', text(['X-Value', 'a\tb']));
      return [];
    },
    check: (response) => deepEqual(fieldValues(response, 'X-Value'), ['a\tb']),
  }),
  refusedStartAudit({
    id: 'start-response-67-above-latin-1',
    sentence: 'MUST refuse code units above U+00FF; cut to an octet, U+010A would be a line feed',
    citation: 'PEP 3333, Unicode Issues',
    starts: [
      ['200 OK', text(['X-Value', `a\u010d\u010aX-Injected: 1`])],
      ['200 OK', text(['X-Value', '\u20ac'])],
      ['200 O\u010aX-Injected: 1', text()],
      ['200 \u4f60', text()],
    ],
  }),
  responseAudit({
    id: 'start-response-68-latin-1',
    sentence: 'MUST send a code unit up to U+00FF as one octet in header values, and allow it in the status',
    citation: 'PEP 3333, Unicode Issues',
    application: answerInLatin1,
    check: (response) => deepEqual(fieldValues(response, 'X-Value'), ['caf\xe9']),
  }),
  responseAudit({
    id: 'start-response-68-latin-1-reason',
    sentence: 'MUST send a code unit up to U+00FF in the status as one octet',
    citation: 'PEP 3333, Unicode Issues',
    needs: ['http1'],
    application: answerInLatin1,
    check: (response) => equal(response.reason, 'Tr\xe8s bien'),
  }),
  refusedStartAudit({
    id: 'start-response-69-hop-by-hop',
    sentence: 'MUST refuse hop-by-hop headers in any case',
    citation: 'PEP 3333, Other HTTP Features; RFC 9110 §7.6.1',
    starts: [
      'Connection',
      'KEEP-ALIVE',
      'proxy-authenticate',
      'Proxy-Authorization',
      'tE',
      'Trailer',
      'Trailers',
      'Transfer-Encoding',
      'UPGRADE',
    ].map((name) => ['200 OK', text([name, 'x-injected'])]),
  }),
  responseAudit({
    id: 'start-response-69-hop-by-hop-dropped',
    sentence: 'MUST drop hop-by-hop headers if hopByHop is drop',
    citation: 'PEP 3333, Other HTTP Features',
    options: { gateway: { hopByHop: 'drop' } },
    application(_environ, startResponse) {
      const names = ['Connection', 'keep-alive', 'Proxy-Authenticate', 'TE', 'Transfer-Encoding', 'Upgrade'];
      startResponse(
        '200 OK',
        text(['X-Kept', '1'], ...names.map((name): [string, string] => [name, 'x-audit'])),
      );
      return [octets('served')];
    },
    check({ raw, content }) {
      assert.doesNotMatch(raw, /x-audit/i);
      assert.match(raw, /^x-kept: 1\r$/im);
      equal(content.toString(), 'served');
    },
  }),
];

/** Lines 85 to 88: the fields on the wire. */
const FIELD_AUDITS: readonly GatewayAudit[] = [
  responseAudit({
    id: 'start-response-85-duplicates',
    sentence: 'MUST send repeated headers as separate field lines, in order',
    citation: 'PEP 3333, The start_response() Callable; RFC 6265 §3',
    application(_environ, startResponse) {
      startResponse('200 OK', text(['Set-Cookie', 'a=1; Path=/'], ['X-Between', '1'], ['Set-Cookie', 'b=2']));
      return [];
    },
    check: (response) => deepEqual(fieldValues(response, 'Set-Cookie'), ['a=1; Path=/', 'b=2']),
  }),
  responseAudit({
    id: 'start-response-86-name-case',
    sentence: 'SHOULD keep the case and the order of header names',
    citation: 'Gunicorn issue 27; RFC 9110 §5.3',
    needs: ['field-case'],
    application(_environ, startResponse) {
      startResponse('200 OK', [
        ['P3P', 'x'],
        ['x-lower', 'x'],
        ['X-MIXED-Case', 'x'],
      ]);
      return [];
    },
    check({ headers }) {
      const names = headers
        .map(([name]) => name)
        .filter((name) => /^(?:p3p|x-lower|x-mixed-case)$/i.test(name));
      deepEqual(names, ['P3P', 'x-lower', 'X-MIXED-Case']);
    },
  }),
  responseAudit({
    id: 'start-response-87-date-added',
    sentence: 'MUST add a Date if the application sets none',
    citation: 'RFC 9110 §6.6.1',
    application(_environ, startResponse) {
      startResponse('200 OK', text());
      return [];
    },
    check(response) {
      const [date = '', ...more] = fieldValues(response, 'Date');
      assert.match(date, /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
      deepEqual(more, []);
    },
  }),
  responseAudit({
    id: 'start-response-87-date-kept',
    sentence: 'MUST send the Date of the application and no second one',
    citation: 'RFC 9110 §6.6.1; wsgiref testHeaderFormats',
    application(_environ, startResponse) {
      startResponse('200 OK', text(['Date', 'Mon, 01 Jan 2001 00:00:00 GMT']));
      return [];
    },
    check: (response) => deepEqual(fieldValues(response, 'Date'), ['Mon, 01 Jan 2001 00:00:00 GMT']),
  }),
  responseAudit({
    id: 'start-response-88-no-server',
    sentence: 'SHOULD NOT add a Server field unless configured',
    citation: 'RFC 9110 §10.2.4',
    application(_environ, startResponse) {
      startResponse('200 OK', text());
      return [];
    },
    check: (response) => deepEqual(fieldValues(response, 'Server'), []),
  }),
  responseAudit({
    id: 'start-response-88-server-configured',
    sentence: 'MUST add the configured Server field',
    citation: 'RFC 9110 §10.2.4',
    needs: ['server-field'],
    options: { gateway: { serverHeader: 'configured/1' } },
    application: hello,
    check: (response) => deepEqual(fieldValues(response, 'Server'), ['configured/1']),
  }),
  responseAudit({
    id: 'start-response-88-server-kept',
    sentence: 'MUST send the Server field of the application',
    citation: 'RFC 9110 §10.2.4; wsgiref handlers',
    application(_environ, startResponse) {
      startResponse('200 OK', text(['Server', 'audit/1']));
      return [];
    },
    check: (response) => deepEqual(fieldValues(response, 'Server'), ['audit/1']),
  }),
];

/** The audits of lines 61 to 69 and 85 to 88. */
export const RESPONSE_HEAD_AUDITS: readonly GatewayAudit[] = [...REFUSAL_AUDITS, ...FIELD_AUDITS];
