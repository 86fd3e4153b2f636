/** Audits of applications mounted in a host: paths, content, fields, errors, the host's objects. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { Application, ApplicationFunction, Environ, HeaderList } from '../../wsgi.ts';
import type { AuditServeOptions, GatewayAudit, HostParser } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import { echo } from './input.ts';
import {
  answering,
  assertTruncated,
  audit,
  collectFaults,
  environAudit,
  hello,
  octets,
  responseAudit,
  text,
  yielding,
} from './kit.ts';

type MountCase = readonly [target: string, scriptName: string, pathInfo: string, query: string];

/** Line 209: mounts, and how each target is split. */
const MOUNTS: Readonly<Record<string, { mounts: readonly string[]; cases: readonly MountCase[] }>> = {
  exact: {
    mounts: ['/m'],
    cases: [
      ['', '/m', '', ''],
      ['?y', '/m', '', 'y'],
    ],
  },
  slash: {
    mounts: ['/m'],
    cases: [
      ['/', '/m', '/', ''],
      ['/?y', '/m', '/', 'y'],
    ],
  },
  below: {
    mounts: ['/m'],
    cases: [
      ['/x?y', '/m', '/x', 'y'],
      ['/m/x/', '/m', '/m/x/', ''],
      ['//x', '/m', '//x', ''],
    ],
  },
  nested: {
    mounts: ['/a', '/b/c'],
    cases: [
      ['/d', '/a/b/c', '/d', ''],
      ['', '/a/b/c', '', ''],
    ],
  },
};

/** Lines 209 and 210: paths. */
const PATH_AUDITS: readonly GatewayAudit[] = [
  ...Object.entries(MOUNTS).map(([name, { mounts, cases }]) =>
    audit({
      id: `bridge-209-mount-${name}`,
      sentence: `MUST split the path at the mount into SCRIPT_NAME and PATH_INFO: ${name}`,
      citation: 'RFC 3875 §4.1.5 and §4.1.13; PEP 3333, environ Variables',
      needs: ['mount'],
      async run(host) {
        const seen: string[][] = [];
        const application: Application = (environ, startResponse) => {
          seen.push([
            environ.SCRIPT_NAME,
            environ.PATH_INFO,
            environ.QUERY_STRING,
            environ.REQUEST_URI ?? '',
          ]);
          startResponse('200 OK', text());
          return [];
        };
        const act: Act = async ({ fetch, server }) => {
          for (const [target] of cases) equal((await fetch({ target })).statusCode, 200, `Target ${target}`);
          deepEqual(
            seen,
            cases.map(([target, ...expected]) => [...expected, server.mount + target]),
          );
        };
        await onStage(host, application, act, { mounts });
      },
    }),
  ),
  audit({
    id: 'bridge-209-mount-boundary',
    sentence: 'MUST match a mount by whole segments',
    citation: 'PEP 3333, environ Variables; gateway semantics §1.3',
    needs: ['mount'],
    run: (host) =>
      onStage(
        host,
        hello,
        async ({ open, server }) => {
          const client = open();
          client.send(`GET ${server.mount}ple HTTP/1.1\r\nHost: audit.test\r\n\r\n`);
          equal((await client.readResponse()).statusCode, 404);
        },
        { mounts: ['/ap'] },
      ),
  }),
  environAudit({
    id: 'bridge-210-encoded-mount',
    sentence: 'MUST decode a percent-encoded mount, so that SCRIPT_NAME plus PATH_INFO is the decoded path',
    citation: 'RFC 3875 §4.1.13; PEP 3333, Unicode Issues',
    needs: ['mount'],
    options: { mounts: ['/caf%C3%A9'] },
    request: { target: '/%E4%BD%A0/x' },
    check(environ) {
      equal(environ.SCRIPT_NAME, '/caf\xc3\xa9');
      equal(environ.PATH_INFO, '/\xe4\xbd\xa0/x');
      equal(environ.REQUEST_URI, '/caf%C3%A9/%E4%BD%A0/x');
    },
  }),
];

/** Line 211: sample content for each parser. */
const CONSUMED: Readonly<
  Record<Exclude<HostParser, 'opaque'>, { type: string; content: string; read(content: string): unknown }>
> = {
  json: {
    type: 'application/json',
    content: '{"a": [1, {"b": "é"}]}',
    read: (content) => JSON.parse(content),
  },
  raw: { type: 'application/octet-stream', content: '\x00raw\r\n', read: (content) => content },
  text: { type: 'text/plain; charset=utf-8', content: 'plain é', read: (content) => content },
  urlencoded: {
    type: 'application/x-www-form-urlencoded',
    content: 'a=1&a=2&b=c+d%26',
    read: (content) =>
      [...new URLSearchParams(content)].map(([name, value]) => [name.replace(/\[\d*\]$/, ''), value]),
  },
};

/** Lines 211 and 214: content. */
const CONTENT_AUDITS: readonly GatewayAudit[] = [
  ...Object.entries(CONSUMED).map(([parser, { type, content, read }]) =>
    responseAudit({
      id: `bridge-211-consumed-${parser}`,
      sentence: `MUST give content that the host's parser has consumed, with its actual length: ${parser}`,
      citation: 'Gateway semantics I19; fastify-express issue 73',
      needs: ['host-parsers'],
      // Object.entries types keys as strings; these are the keys of CONSUMED.
      options: { hostParser: parser as HostParser },
      request: { method: 'POST', headers: [['Content-Type', type]], content: octets(content) },
      async application(environ, startResponse) {
        const octets = await environ['wsgi.input'].read();
        startResponse('200 OK', text(['X-Length', environ.CONTENT_LENGTH ?? 'none']));
        return [octets];
      },
      check(response) {
        equal(response.statusCode, 200);
        deepEqual(read(response.content.toString()), read(content));
        deepEqual(fieldValues(response, 'X-Length'), [String(response.content.length)]);
      },
    }),
  ),
  audit({
    id: 'bridge-211-consumed-opaque',
    sentence: 'MUST reject reads at once, with an explanation, when consumed content cannot be restored',
    citation: 'Gateway semantics I19; enketo-express issue 475',
    needs: ['host-parsers'],
    async run(host) {
      const faults = collectFaults({ hostParser: 'opaque' });
      const headers: HeaderList = [['Content-Type', 'multipart/form-data; boundary=x']];
      const act = async (stage: Stage): Promise<void> => {
        equal((await stage.fetch({ method: 'POST', headers, content: '--x--' })).statusCode, 500);
        assert.match(faults.told(stage), /consumed/);
      };
      await onStage(host, echo, act, faults.options);
    },
  }),
  audit({
    id: 'bridge-214-unparsed',
    sentence: 'MUST pass on content of every type unchanged, even if it is malformed',
    citation: 'Gateway semantics §5.7',
    run: (host) =>
      onStage(host, echo, async ({ fetch }) => {
        const types = [
          'application/json',
          'multipart/form-data; boundary=x',
          'application/x-www-form-urlencoded',
          'application/x-unknown',
          'text/plain',
          'no type at all',
        ];
        for (const type of [undefined, ...types]) {
          const content = octets('{"cut": "off\r\n--x\r\n&=%');
          const response = await fetch({
            method: 'POST',
            content,
            headers: type === undefined ? [] : [['Content-Type', type]],
          });
          equal(response.statusCode, 200, `Type ${type}`);
          deepEqual(response.content.toString(), String(Buffer.from(content)), `Type ${type}`);
        }
      }),
  }),
];

const HOST_FIELDS: AuditServeOptions = {
  hostFields: [
    ['X-Host', 'host'],
    ['X-Both', 'host'],
    ['Set-Cookie', 'host=1'],
  ],
};

const OWN_FIELDS = (): HeaderList =>
  text(['X-Both', 'application'], ['Set-Cookie', 'own=1'], ['Set-Cookie', 'own=2']);

/** Line 212: fields that the host has set. */
const FIELD_AUDITS: readonly GatewayAudit[] = [
  ...Object.entries({
    array: answering(() => [octets('x')], OWN_FIELDS()),
    stream: yielding([octets('x')], OWN_FIELDS()),
  }).map(([name, application]) =>
    responseAudit({
      id: `bridge-212-host-fields-${name}`,
      sentence: `MUST keep the host's fields that the application does not replace: ${name}`,
      citation: 'fastify-express runConnect; gateway semantics §5.7',
      needs: ['host-fields'],
      options: HOST_FIELDS,
      application,
      check(response) {
        deepEqual(fieldValues(response, 'X-Host'), ['host']);
        deepEqual(fieldValues(response, 'X-Both'), ['application']);
        deepEqual(fieldValues(response, 'Set-Cookie').sort(), ['host=1', 'own=1', 'own=2']);
      },
    }),
  ),
  responseAudit({
    id: 'bridge-212-failed-fields',
    sentence: 'MUST NOT leave the headers of a failed response on the response of the host',
    citation: 'PEP 3333, Error Handling',
    needs: ['error-handler'],
    application(_environ, startResponse) {
      startResponse('200 OK', text(['X-Failed', '1'], ['Content-Length', '3']));
      throw new Error('audit of line 212');
    },
    check(response) {
      equal(response.statusCode, 500);
      equal(response.content.toString(), 'Handled');
      deepEqual(fieldValues(response, 'X-Failed'), []);
    },
  }),
];

/** Lines 213 and 219: errors, and the host's objects. */
const HOST_AUDITS: readonly GatewayAudit[] = [
  ...Object.entries({
    throws:
      (error: unknown): ApplicationFunction =>
      () => {
        throw error;
      },
    rejects:
      (error: unknown): ApplicationFunction =>
      () =>
        Promise.reject(error),
    iteration: (error: unknown): ApplicationFunction =>
      answering(async function* () {
        yield octets('');
        throw error;
      }),
  }).map(([name, fail]) =>
    audit({
      id: `bridge-213-error-${name}`,
      sentence: `MUST pass an error before the head to the error handler as the same value: ${name}`,
      citation: 'Gateway semantics §5.7',
      needs: ['error-handler'],
      async run(host) {
        const handled: unknown[] = [];
        const error = Object.assign(new Error('audit of line 213'), { statusCode: 418 });
        const act: Act = async ({ fetch }) => {
          const { statusCode, content } = await fetch();
          equal(statusCode, 418);
          equal(content.toString(), 'Handled');
          equal(handled.length, 1);
          equal(handled[0], error);
        };
        await onStage(host, fail(error), act, { onError: (value) => handled.push(value) });
      },
    }),
  ),
  audit({
    id: 'bridge-213-error-after-head',
    sentence:
      'MUST cut off the response, and not call the error handler, when an application fails after its head',
    citation: 'Gateway semantics §5.7',
    needs: ['error-handler'],
    async run(host) {
      const handled: unknown[] = [];
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield octets('begun');
        throw new Error('audit of line 213');
      }
      await onStage(host, answering(failing), (stage) => assertTruncated(stage), {
        onError: (error) => handled.push(error),
      });
      deepEqual(handled, []);
    },
  }),
  audit({
    id: 'bridge-219-native-objects',
    sentence: 'MUST put the objects of its host in the environ, and those of no other host',
    citation: 'a2wsgi README; gateway semantics §1.5',
    async run(host) {
      const { objectKeys = [] } = host;
      const environs: Environ[] = [];
      const application: Application = (environ, startResponse) => {
        environs.push({ ...environ });
        startResponse('200 OK', text());
        return [];
      };
      await onStage(host, application, async ({ fetch }) => {
        await fetch();
        const environ: Record<string, unknown> = environs[0] ?? {};
        const keys = Object.keys(environ).filter((key) =>
          /^(?:node|express|fastify|fetch|lambda)\./.test(key),
        );
        deepEqual(keys.sort(), [...objectKeys].sort());
        for (const key of keys) equal(typeof environ[key], 'object', `${key} must be an object`);
      });
    },
  }),
];

/** The audits of lines 209 to 214 and 219. */
export const MOUNTING_AUDITS: readonly GatewayAudit[] = [
  ...PATH_AUDITS,
  ...CONTENT_AUDITS,
  ...FIELD_AUDITS,
  ...HOST_AUDITS,
];

type Act = (stage: Stage) => Promise<void>;
