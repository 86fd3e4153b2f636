/** Audits of what a host and its own middleware do to a request before a mounted application runs, and after it. */
import { deepEqual, equal } from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApplicationFunction, Environ, HeaderList } from '../../wsgi.ts';
import type { AuditServeOptions, GatewayAudit, Listener } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import {
  type AuditRow,
  answering,
  audit,
  environAudit,
  octets,
  responseAudit,
  text,
  yielding,
} from './kit.ts';

/** Variables of an environ. */
type Seen = Readonly<Record<string, string | undefined>>;

/** Makes an audit of the variables that the application sees. */
function seenAudit(
  row: AuditRow & {
    readonly options?: AuditServeOptions;
    readonly headers: HeaderList;
    /** Undefined for those that are not there. */
    readonly expected: Seen;
  },
): GatewayAudit {
  return environAudit({
    ...row,
    request: { headers: row.headers },
    check(environ) {
      for (const [key, value] of Object.entries(row.expected)) equal(environ[key], value, key);
    },
  });
}

const SENT: HeaderList = [
  ['X-User', 'evil'],
  ['X-Twice', '1'],
  ['x-twice', '2'],
  ['Cookie', 'a=1'],
  ['Cookie', 'b=2'],
];

const look = (headers: IncomingMessage['headers']): void => void Object.keys(headers);

/** Line 243: changes of `req.headers`, and the fields that the application must see. */
const CHANGES: Readonly<
  Record<string, { change(headers: IncomingMessage['headers']): void; expected: Seen }>
> = {
  added: {
    change: (headers) => {
      headers['x-added'] = 'new';
    },
    expected: { HTTP_X_ADDED: 'new', HTTP_X_USER: 'evil', HTTP_X_TWICE: '1, 2' },
  },
  changed: {
    change: (headers) => {
      headers['x-user'] = 'verified';
      headers['x-twice'] = ['5', '6'];
    },
    expected: { HTTP_X_USER: 'verified', HTTP_X_TWICE: '5, 6', HTTP_COOKIE: 'a=1; b=2' },
  },
  removed: {
    change: (headers) => {
      delete headers['x-user'];
      delete headers['x-twice'];
    },
    expected: { HTTP_X_USER: undefined, HTTP_X_TWICE: undefined, HTTP_COOKIE: 'a=1; b=2' },
  },
  'looked-at': { change: look, expected: { HTTP_X_USER: 'evil', HTTP_X_TWICE: '1, 2' } },
};

const CHANGE_AUDITS: readonly GatewayAudit[] = [
  ...Object.entries(CHANGES).map(([name, { change, expected }]) =>
    seenAudit({
      id: `bridge-243-${name}-fields`,
      sentence: `MUST show the application the fields as the host's middleware left them: ${name}`,
      citation: 'Gateway semantics §5.7',
      needs: ['host-middleware'],
      options: { changeRequest: ({ headers }) => change(headers) },
      headers: SENT,
      expected,
    }),
  ),
  seenAudit({
    id: 'bridge-243-repeated-fields',
    sentence:
      'MUST show the application a field that node has dropped, although the middleware looked at the fields',
    citation: 'Gateway semantics §5.7',
    needs: ['http1', 'host-middleware'],
    options: { changeRequest: ({ headers }) => look(headers) },
    headers: [
      ['Referer', 'one'],
      ['Referer', 'two'],
    ],
    expected: { HTTP_REFERER: 'one, two' },
  }),
];

/** Line 244: what a proxy says of a request. */
const PROXIED = {
  citation: 'Express trust proxy; Fastify trustProxy',
  needs: ['trust-proxy'],
  headers: [
    ['X-Forwarded-For', '203.0.113.9'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'public.test:8443'],
  ],
} satisfies Partial<Parameters<typeof seenAudit>[0]>;

const PROXY_AUDITS: readonly GatewayAudit[] = [
  seenAudit({
    ...PROXIED,
    id: 'bridge-244-trusted-proxy',
    sentence: 'MUST take scheme, host and address from the framework if it trusts its proxy',
    options: { trustProxy: true },
    expected: {
      'wsgi.url_scheme': 'https',
      HTTPS: 'on',
      HTTP_HOST: 'public.test:8443',
      SERVER_NAME: 'public.test',
      SERVER_PORT: '8443',
      REMOTE_ADDR: '203.0.113.9',
    },
  }),
  seenAudit({
    ...PROXIED,
    id: 'bridge-244-untrusted-proxy',
    sentence: 'MUST NOT take scheme, host or address from a proxy that the framework does not trust',
    expected: {
      'wsgi.url_scheme': 'http',
      HTTPS: undefined,
      HTTP_HOST: 'audit.test',
      REMOTE_ADDR: '127.0.0.1',
    },
  }),
];

const VARY: HeaderList = [
  ['Vary', 'Accept'],
  ['vary', 'Cookie'],
];
const VARIED: AuditServeOptions = { hostFields: [['Vary', 'Origin']] };

const VARY_AUDITS: readonly GatewayAudit[] = Object.entries({
  array: answering(() => [octets('x')], text(...VARY)),
  stream: yielding([octets('x'), octets('y')], text(...VARY)),
}).map(([name, application]) =>
  responseAudit({
    id: `bridge-245-vary-${name}`,
    sentence: `MUST join the Vary of the host with that of the application: ${name}`,
    citation: 'RFC 9110 §12.5.5',
    needs: ['host-fields'],
    options: VARIED,
    application,
    check(response) {
      const names = fieldValues(response, 'Vary').flatMap((value) => value.toLowerCase().split(/ *, */));
      deepEqual(names.sort(), ['accept', 'cookie', 'origin']);
    },
  }),
);

/** Line 247: how much an application reads before it answers 404. */
const READERS: Readonly<Record<string, (input: Environ['wsgi.input']) => Promise<unknown>>> = {
  nothing: async () => {},
  'one-octet': (input) => input.read(1),
  everything: (input) => input.read(),
};

const FALL_THROUGH_AUDITS: readonly GatewayAudit[] = Object.entries(READERS).map(([name, read]) =>
  audit({
    id: `bridge-247-after-${name}`,
    sentence: `MUST leave request, content and response as they were when it passes a request on: ${name} is read`,
    citation: 'Gateway semantics §5.7',
    needs: ['fall-through'],
    async run(host) {
      const application: ApplicationFunction = async (environ, startResponse) => {
        await read(environ['wsgi.input']);
        startResponse('404 Not Found', text(['X-From', 'application'], ['Set-Cookie', 'from=application']));
        return [octets('missing')];
      };
      const next: Listener = (request, response) => void show(request, response);
      const act = async ({ fetch, server }: Stage): Promise<void> => {
        for (const size of [0, 9, 70_000]) {
          const content = 'x'.repeat(size);
          const headers: HeaderList = [['X-Sent', '1']];
          const parts = { method: 'POST', target: '/y?z', headers };
          for (const framed of [{ content }, { chunks: size === 0 ? [] : [content] }]) {
            const response = await fetch({ ...parts, ...framed });
            equal(response.statusCode, 200, `${size} octets`);
            equal(response.content.toString() === content, true, `The content must be whole: ${size} octets`);
            deepEqual(fieldValues(response, 'X-From'), []);
            deepEqual(fieldValues(response, 'Set-Cookie'), []);
            const [line = ''] = fieldValues(response, 'X-Line');
            deepEqual(JSON.parse(line), ['POST', `${server.mount}/y?z`, true]);
          }
        }
      };
      await onStage(host, application, act, { next });
    },
  }),
);

/** The audits of lines 243, 244, 245 and 247. */
export const HOST_MIDDLEWARE_AUDITS: readonly GatewayAudit[] = [
  ...CHANGE_AUDITS,
  ...PROXY_AUDITS,
  ...VARY_AUDITS,
  ...FALL_THROUGH_AUDITS,
];

/** Answers what the next handler finds of a request: its line, if a field is there, and its content. */
async function show(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  const { method, url, rawHeaders } = request;
  response.setHeader('X-Line', JSON.stringify([method, url, rawHeaders.includes('X-Sent')]));
  response.end(Buffer.concat(pieces));
}
