/** Audits of failing applications: the client's view, the operator's log, and the requests after. */
import assert, { equal } from 'node:assert/strict';
import type { ApplicationFunction } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import {
  answering,
  assertTruncated,
  audit,
  collectFaults,
  eventually,
  octets,
  openLedger,
  responseAudit,
  text,
  withoutUnhandledRejections,
} from './kit.ts';

/** Applications that fail before the head, by path. */
const FAILURES: Readonly<Record<string, ApplicationFunction>> = {
  '/throws': () => {
    throw new Error('audit of a failure');
  },
  '/rejects': () => Promise.reject(new Error('audit of a failure')),
  '/iteration': answering(() =>
    openLedger().body(() => {
      throw new Error('audit of a failure');
    }),
  ),
  '/null': answering(() => ill(null)),
  '/text': answering(() => ill('text')),
  '/number-chunk': answering(() => [ill(1)]),
  '/undefined': () => Promise.reject(undefined),
};

const failing: ApplicationFunction = (environ, startResponse) => {
  const failure = FAILURES[environ.PATH_INFO];
  if (failure !== undefined) return failure(environ, startResponse);
  startResponse('200 OK', text());
  return [octets('alive')];
};

/** The audits of lines 133 to 135 and 185. */
export const FAILURE_AUDITS: readonly GatewayAudit[] = [
  ...Object.entries({ chunked: text(), length: text(['Content-Length', '1000']) }).map(([name, headers]) =>
    audit({
      id: `body-133-truncation-${name}`,
      sentence: `MUST break off the response visibly when the application fails after the head: ${name}`,
      citation: 'PEP 3333, Error Handling; RFC 9112 §8',
      async run(host) {
        await onStage(host, answering(failLater, headers), async (stage) => {
          await assertTruncated(stage);
          await eventually(() => stage.server.log().includes('audit of line 133'), 'the error is logged');
        });
      },
    }),
  ),
  responseAudit({
    id: 'body-134-error-page',
    sentence: 'MUST answer a failure before the head with 500, text/plain and a length, without a stack',
    citation: 'PEP 3333, Error Handling; wsgiref error_output',
    needs: ['own-error-page'],
    application: failing,
    request: { target: '/throws' },
    check(response, { server }) {
      equal(response.statusCode, 500);
      assert.match(fieldValues(response, 'Content-Type').join(), /^text\/plain/);
      equal(response.framing, 'length');
      assert.doesNotMatch(response.content.toString(), /audit of|\bat /);
      assert.match(server.log(), /audit of a failure/);
    },
  }),
  audit({
    id: 'body-134-every-failure',
    sentence: 'MUST answer every kind of failure before the head with 500, and tell the operator',
    citation: 'PEP 3333, Error Handling',
    async run(host) {
      const faults = collectFaults();
      const act = async (stage: Stage): Promise<void> => {
        for (const target of Object.keys(FAILURES)) {
          equal((await stage.fetch({ target })).statusCode, 500, `The answer must be 500 for ${target}`);
        }
        assert.match(faults.told(stage), /audit of a failure/);
      };
      await withoutUnhandledRejections(() => onStage(host, failing, act, faults.options));
    },
  }),
  responseAudit({
    id: 'body-135-exposed-errors',
    sentence: 'MUST show the stack if exposeErrors is set',
    citation: 'Waitress expose_tracebacks',
    needs: ['own-error-page'],
    application: failing,
    request: { target: '/throws' },
    options: { gateway: { exposeErrors: true } },
    check: ({ statusCode, content }) => {
      equal(statusCode, 500);
      assert.match(content.toString(), /audit of a failure(?:.|\n)*\bat /);
    },
  }),
  audit({
    id: 'protocol-185-survival',
    sentence: 'MUST keep serving after any failure of a request',
    citation: 'Waitress, wsgiref handlers',
    run: (host) =>
      onStage(host, failing, async ({ fetch }) => {
        for (const target of Object.keys(FAILURES)) {
          await fetch({ target });
          equal((await fetch()).content.toString(), 'alive', `It must go on after ${target}`);
        }
      }),
  }),
];

async function* failLater(): AsyncGenerator<Uint8Array> {
  yield octets('begun');
  throw new Error('audit of line 133');
}

/** Passes any value as a body or chunk, which the types forbid. */
function ill(value: unknown): never {
  return value as never;
}
