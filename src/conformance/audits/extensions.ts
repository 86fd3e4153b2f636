/** Audits of the extension keys: callbacks after the response, interim responses, trailers. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { Application, Environ, HeaderList } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import { answering, audit, eventually, octets, responseAudit, text } from './kit.ts';

const HINTS: HeaderList = [
  ['Link', '</style.css>; rel=preload; as=style'],
  ['X-Hint', 'a'],
];

/** Line 142: early hints. */
const INTERIM_AUDITS: readonly GatewayAudit[] = [
  responseAudit({
    id: 'body-142-early-hints',
    sentence: 'MUST send a separate 103 for each call of early hints, before the final response',
    citation: 'RFC 8297 §2; Gunicorn test_early_hints',
    needs: ['interim'],
    application(environ, startResponse) {
      call(environ, 'gateway.early_hints', HINTS);
      startResponse('200 OK', text());
      call(environ, 'gateway.early_hints', [['X-Hint', 'b']]);
      return [octets('final')];
    },
    check({ statusCode, content, interim }) {
      equal(statusCode, 200);
      equal(content.toString(), 'final');
      deepEqual(
        interim.map((head) => [head.statusCode, fieldValues(head, 'Link'), fieldValues(head, 'X-Hint')]),
        [
          [103, [HINTS[0]?.[1]], ['a']],
          [103, [], ['b']],
        ],
      );
    },
  }),
  responseAudit({
    id: 'body-142-early-hints-late',
    sentence: 'MUST ignore early hints once the head has left',
    citation: 'RFC 8297 §2; RFC 9110 §15.2',
    needs: ['interim'],
    async *application(environ, startResponse) {
      startResponse('200 OK', text());
      yield octets('one ');
      call(environ, 'gateway.early_hints', HINTS);
      yield octets('two');
    },
    check({ content, interim }) {
      equal(content.toString(), 'one two');
      deepEqual(interim, []);
    },
  }),
  responseAudit({
    id: 'body-142-early-hints-http-1-0',
    sentence: 'MUST NOT send an interim response to HTTP/1.0',
    citation: 'RFC 9110 §15.2',
    needs: ['http1', 'interim'],
    request: { protocol: 'HTTP/1.0' },
    application(environ, startResponse) {
      call(environ, 'gateway.early_hints', HINTS);
      startResponse('200 OK', text());
      return [octets('final')];
    },
    check({ content, interim }) {
      equal(content.toString(), 'final');
      deepEqual(interim, []);
    },
  }),
  responseAudit({
    id: 'body-142-early-hints-checked',
    sentence: 'MUST throw on early hints with a bad name or a control character, and send none of them',
    citation: 'RFC 9112 §11.1',
    needs: ['interim'],
    application(environ, startResponse) {
      call(environ, 'gateway.early_hints', []);
      assert.throws(() => call(environ, 'gateway.early_hints', [['Link', '</x>\r\nX-Injected: 1']]));
      assert.throws(() => call(environ, 'gateway.early_hints', [['Bad Name', 'x']]));
      startResponse('200 OK', text());
      return [octets('final')];
    },
    check({ content, interim }) {
      equal(content.toString(), 'final');
      deepEqual(
        interim.map((head) => head.headers),
        [[]],
      );
    },
  }),
];

/** Line 141: callbacks after the response. */
const FINISHED_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'body-141-on-finished',
    sentence: 'MUST run all callbacks after the response, in reverse order, even if one throws',
    citation: 'Rack SPEC, rack.response_finished',
    async run(host) {
      const calls: unknown[][] = [];
      let own: Environ | undefined;
      const application: Application = (environ, startResponse) => {
        own = environ;
        for (const name of ['first', 'second', 'third']) {
          call(environ, 'gateway.on_finished', (...finished: unknown[]) => {
            calls.push([name, ...finished]);
            if (name === 'second') throw new Error('audit of line 141');
          });
        }
        startResponse('201 Created', text(['X-Value', '1']));
        return [octets('whole')];
      };
      await onStage(host, application, async ({ fetch, server }) => {
        equal((await fetch()).content.toString(), 'whole');
        await eventually(() => calls.length === 3, 'all callbacks run');
        deepEqual(
          calls.map(([name]) => name),
          ['third', 'second', 'first'],
        );
        const [, environ, status, headers, error] = calls[0] ?? [];
        equal(environ, own);
        equal(status, '201 Created');
        deepEqual(headers, text(['X-Value', '1']));
        equal(error, undefined);
        assert.match(server.log(), /audit of line 141/);
      });
    },
  }),
  audit({
    id: 'body-141-on-finished-error',
    sentence: 'MUST run the callbacks after a failure too, with the same error value',
    citation: 'Rack SPEC, rack.response_finished',
    async run(host) {
      const errors: unknown[] = [];
      const failure = new Error('audit of line 141');
      const application: Application = (environ) => {
        call(environ, 'gateway.on_finished', (...finished: unknown[]) => errors.push(finished[3]));
        throw failure;
      };
      await onStage(host, application, async ({ fetch }) => {
        equal((await fetch()).statusCode, 500);
        await eventually(() => errors.length === 1, 'the callback runs');
        equal(errors[0], failure);
      });
    },
  }),
];

/** Line 176: the trailer section of a request. */
const TRAILER_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'input-176-request-trailers',
    sentence: 'MUST give the trailers of a request after its content, and never merge them into the environ',
    citation: 'RFC 9110 §6.5.1',
    needs: ['trailers'],
    async run(host) {
      const trailers: unknown[] = [];
      const keys: string[] = [];
      const application: Application = async (environ, startResponse) => {
        const content = await environ['wsgi.input'].read();
        trailers.push(await call(environ, 'gateway.trailers'));
        keys.push(...Object.keys(environ));
        startResponse('200 OK', text());
        return [content];
      };
      await onStage(host, application, async ({ open, exchange }) => {
        const client = open();
        const request = {
          method: 'POST',
          chunks: ['con', 'tent'],
          trailers: [['X-Checksum', 'abc']] satisfies HeaderList,
        };
        equal((await exchange(client, request)).content.toString(), 'content');
        // Names are lower case in HTTP/2 (RFC 9113 §8.2).
        const name = host.capabilities.has('http1') ? 'X-Checksum' : 'x-checksum';
        deepEqual(trailers, [[[name, 'abc']]]);
        assert.ok(!keys.includes('HTTP_X_CHECKSUM'), 'A trailer must not become a variable');
        equal((await exchange(client, request)).statusCode, 200);
      });
    },
  }),
  audit({
    id: 'input-176-trailers-without-framing',
    sentence: 'MUST NOT let a trailer change the framing or the routing of a request',
    citation: 'RFC 9110 §6.5.1; Gunicorn rfc9110_trailer_forbidden',
    needs: ['trailers'],
    async run(host) {
      const hosts: unknown[] = [];
      const application = answering(() => [octets('content')]);
      const recording: Application = async (environ, startResponse) => {
        await environ['wsgi.input'].read().catch(() => {});
        hosts.push(environ.HTTP_HOST, environ.CONTENT_LENGTH);
        return application(environ, startResponse);
      };
      await onStage(host, recording, async ({ fetch }) => {
        for (const [name, value] of [
          ['Host', 'evil.test'],
          ['Content-Length', '3'],
          ['Transfer-Encoding', 'gzip'],
        ] as const) {
          const response = await fetch({ method: 'POST', chunks: ['content'], trailers: [[name, value]] });
          assert.ok([200, 400].includes(response.statusCode), `A trailer ${name} is ignored or refused`);
        }
        for (const value of hosts) assert.ok(value === undefined || value === 'audit.test');
      });
    },
  }),
];

/** The audits of lines 141, 142 and 176. */
export const EXTENSION_AUDITS: readonly GatewayAudit[] = [
  ...FINISHED_AUDITS,
  ...INTERIM_AUDITS,
  ...TRAILER_AUDITS,
];

/** Calls an extension; fails if it is missing. */
function call(environ: Environ, key: string, ...parameters: unknown[]): unknown {
  const extension = environ[key];
  assert.ok(typeof extension === 'function', `${key} must be a function`);
  return Reflect.apply(extension, undefined, parameters);
}
