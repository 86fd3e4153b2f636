/** Audits of startResponse: repeated, late and missing calls, and their effects. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { Application, StartResponse } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import {
  aMoment,
  assertTruncated,
  audit,
  collectFaults,
  eventually,
  gate,
  octets,
  openLedger,
  responseAudit,
  text,
} from './kit.ts';

/** The audits of lines 72 to 84 and 89. */
export const START_RESPONSE_AUDITS: readonly GatewayAudit[] = [
  responseAudit({
    id: 'start-response-72-second-call',
    sentence: 'MUST treat a second call without excInfo as an error',
    citation: 'PEP 3333, The start_response() Callable',
    application(_environ, startResponse) {
      startResponse('200 OK', text());
      startResponse('201 Created', text());
      return [octets('served')];
    },
    check: ({ statusCode }) => equal(statusCode, 500),
  }),
  responseAudit({
    id: 'start-response-72-second-call-sent',
    sentence: 'MUST NOT change a sent head on a second call without excInfo',
    citation: 'PEP 3333, The start_response() Callable',
    async *application(_environ, startResponse) {
      startResponse('201 Created', text());
      yield octets('one ');
      assert.throws(() => startResponse('202 Accepted', text()));
      yield octets('two');
    },
    check({ statusCode, content }) {
      equal(statusCode, 201);
      equal(content.toString(), 'one two');
    },
  }),
  audit({
    id: 'start-response-73-after-failed-call',
    sentence: 'MUST treat a second call without excInfo as an error even if the first one threw',
    citation: 'PEP 3333, The start_response() Callable; wsgiref run_with_cgi',
    async run(host) {
      const thrown: boolean[] = [];
      const application: Application = (_environ, startResponse) => {
        thrown.push(throws(() => startResponse('200 OK\n', text())));
        thrown.push(throws(() => startResponse('200 OK', text())));
        return [octets('served')];
      };
      await onStage(host, application, async ({ fetch }) => {
        equal((await fetch()).statusCode, 500);
        deepEqual(thrown, [true, true]);
      });
    },
  }),
  responseAudit({
    id: 'start-response-74-replacement',
    sentence: 'MUST replace the status and all headers when called with excInfo before the head is sent',
    citation: 'PEP 3333, The start_response() Callable',
    application(_environ, startResponse) {
      startResponse('200 OK', text(['X-Old', '1'], ['Content-Length', '3']));
      startResponse('503 Service Unavailable', [['X-New', '1']], new Error('replaced'));
      return [octets('longer than three octets')];
    },
    check(response) {
      equal(response.statusCode, 503);
      deepEqual(fieldValues(response, 'X-Old'), []);
      deepEqual(fieldValues(response, 'Content-Type'), []);
      deepEqual(fieldValues(response, 'X-New'), ['1']);
      equal(response.content.toString(), 'longer than three octets');
    },
  }),
  responseAudit({
    id: 'start-response-75-first-call',
    sentence: 'MUST accept excInfo in the first call',
    citation: 'PEP 3333, The start_response() Callable',
    application(_environ, startResponse) {
      startResponse('502 Bad Gateway', text(), new Error('upstream'));
      return [octets('sorry')];
    },
    check({ statusCode, content }) {
      equal(statusCode, 502);
      equal(content.toString(), 'sorry');
    },
  }),
  audit({
    id: 'start-response-76-re-raise',
    sentence: 'MUST throw excInfo itself when called with it after the head is sent',
    citation: 'PEP 3333, The start_response() Callable',
    async run(host) {
      const excInfo = { reason: 'not even an Error' };
      const caught: unknown[] = [];
      async function* application(
        _environ: unknown,
        startResponse: StartResponse,
      ): AsyncGenerator<Uint8Array> {
        startResponse('200 OK', text());
        yield octets('begun');
        try {
          startResponse('500 Internal Server Error', text(), excInfo);
        } catch (error) {
          caught.push(error);
          throw error;
        }
      }
      await onStage(host, application, async (stage) => {
        await assertTruncated(stage);
        equal(caught.length, 1);
        equal(caught[0], excInfo);
      });
    },
  }),
  audit({
    id: 'start-response-77-abort',
    sentence: 'MUST abort the response when it throws excInfo: cut the connection, call close, log the error',
    citation: 'PEP 3333, The start_response() Callable',
    async run(host) {
      const ledger = openLedger();
      const application: Application = (_environ, startResponse) => {
        startResponse('200 OK', text());
        return ledger.body((index) => {
          if (index === 0) return octets('begun');
          startResponse('500 Internal Server Error', text(), new Error('audit of line 77'));
          return undefined;
        });
      };
      await onStage(host, application, async (stage) => {
        await assertTruncated(stage);
        await eventually(() => ledger.closes === 1, 'close is called once');
        await eventually(() => stage.server.log().includes('audit of line 77'), 'the error is logged');
      });
    },
  }),
  audit({
    id: 'start-response-79-nothing-sent',
    sentence: 'MUST NOT send anything when startResponse is called',
    citation: 'PEP 3333, The start_response() Callable',
    async run(host) {
      const { opened, open: release } = gate();
      const started = gate();
      const application: Application = async (_environ, startResponse) => {
        startResponse('200 OK', text());
        started.open();
        await opened;
        return [octets('late')];
      };
      await onStage(host, application, async ({ open, format }) => {
        const client = open();
        client.send(format());
        await started.opened;
        assert.ok(await client.isSilent(60), 'Nothing may arrive before the first chunk');
        release();
        equal((await client.readResponse()).content.toString(), 'late');
      });
    },
  }),
  audit({
    id: 'start-response-80-returns-write',
    sentence: 'MUST return a function from every call that does not throw',
    citation: 'PEP 3333, The start_response() Callable',
    async run(host) {
      const types: string[] = [];
      const application: Application = (_environ, startResponse) => {
        types.push(typeof startResponse('200 OK', text()));
        types.push(typeof startResponse('200 OK', text(), new Error('replaced')));
        return [];
      };
      await onStage(host, application, async ({ fetch }) => {
        equal((await fetch()).statusCode, 200);
        deepEqual(types, ['function', 'function']);
      });
    },
  }),
  audit({
    id: 'start-response-81-synchronous-checks',
    sentence: 'MUST refuse headers inside the call, so that the application can send another answer',
    citation: 'PEP 3333, The start_response() Callable',
    run: (host) =>
      onStage(
        host,
        (_environ, startResponse) => {
          try {
            startResponse('200 OK', text(['Bad Name', '1']));
          } catch (error) {
            startResponse('422 Unprocessable Content', text(), error);
          }
          return [octets('answered')];
        },
        async ({ fetch }) => {
          const { statusCode, content } = await fetch();
          equal(statusCode, 422);
          equal(content.toString(), 'answered');
        },
      ),
  }),
  responseAudit({
    id: 'start-response-82-own-copy',
    sentence: 'MUST NOT be affected by later changes to the header list',
    citation: 'Gateway semantics S3',
    application(_environ, startResponse) {
      const pair: [string, string] = ['X-Value', 'before'];
      const headers = text(pair);
      startResponse('200 OK', headers);
      pair[1] = 'after\r\nX-Injected: 1';
      headers.length = 0;
      return [];
    },
    check: (response) => deepEqual(fieldValues(response, 'X-Value'), ['before']),
  }),
  ...[true, false].map((yields) =>
    audit({
      id: yields ? 'start-response-83-never-called' : 'start-response-84-never-called-empty',
      sentence: `MUST answer 500 and call close if startResponse is never called and ${yields ? 'data' : 'nothing'} is yielded`,
      citation: 'PEP 3333, The start_response() Callable',
      async run(host) {
        const faults = collectFaults();
        const ledger = openLedger();
        const application: Application = () =>
          ledger.body((index) => (yields && index === 0 ? octets('served') : undefined));
        const act = async (stage: Parameters<typeof faults.told>[0]): Promise<void> => {
          const { statusCode, content } = await stage.fetch();
          equal(statusCode, 500);
          assert.doesNotMatch(content.toString(), /served/);
          await eventually(() => ledger.closes === 1, 'close is called once');
          await eventually(() => /startResponse/.test(faults.told(stage)), 'the operator is told why');
        };
        await onStage(host, application, act, faults.options);
      },
    }),
  ),
  audit({
    id: 'start-response-89-after-the-end',
    sentence: 'MUST throw when called after the response has ended',
    citation: 'Gateway semantics S20',
    async run(host) {
      const kept: StartResponse[] = [];
      const application: Application = (_environ, startResponse) => {
        kept.push(startResponse);
        startResponse('200 OK', text());
        return [octets('over')];
      };
      await onStage(host, application, async ({ fetch }) => {
        equal((await fetch()).statusCode, 200);
        await aMoment();
        assert.throws(() => kept[0]?.('200 OK', text()));
        const error = new Error('too late');
        assert.throws(() => kept[0]?.('500 Internal Server Error', text(), error));
      });
    },
  }),
];

function throws(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch {
    return true;
  }
}
