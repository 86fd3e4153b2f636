/** Audits of the framing of responses: lengths, chunks, responses without content, the declared length. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { Application, HeaderList } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import {
  aMoment,
  answering,
  audit,
  collectFaults,
  eventually,
  octets,
  openLedger,
  responseAudit,
  text,
  yielding,
} from './kit.ts';

/** Lines 105 to 110: how the end of the content is marked. */
const LENGTH_AUDITS: readonly GatewayAudit[] = [
  responseAudit({
    id: 'body-105-empty-chunk',
    sentence: 'MUST NOT let an empty chunk end the response',
    citation: 'RFC 9112 §7.1; CherryPy issue 635',
    application: yielding([octets('Te'), new Uint8Array(0), octets('st')]),
    check: ({ content }) => equal(content.toString(), 'Test'),
  }),
  responseAudit({
    id: 'body-105-empty-first-chunk',
    sentence: 'MUST NOT let an empty first chunk end the response',
    citation: 'RFC 9112 §7.1; CherryPy issue 635',
    application: yielding([new Uint8Array(0), octets('Test')]),
    check: ({ content }) => equal(content.toString(), 'Test'),
  }),
  responseAudit({
    id: 'body-106-one-chunk',
    sentence: 'SHOULD send the length in octets of an array of one chunk',
    citation: 'PEP 3333, Handling the Content-Length Header; wsgiref testContentLength',
    application: answering(() => ['тест']),
    check(response) {
      deepEqual(fieldValues(response, 'Content-Length'), ['8']);
      equal(response.content.toString(), 'тест');
    },
  }),
  audit({
    id: 'body-107-several-chunks',
    sentence: 'SHOULD send the sum of the lengths of an array of chunks, and keep the connection',
    citation: 'PEP 3333, Handling the Content-Length Header; Puma response.rb',
    run: (host) =>
      onStage(
        host,
        answering(() => [octets('one '), octets(''), octets('two '), octets('three')]),
        async ({ open, exchange }) => {
          const client = open();
          for (let round = 0; round < 2; round += 1) {
            const response = await exchange(client);
            deepEqual(fieldValues(response, 'Content-Length'), ['13']);
            equal(response.content.toString(), 'one two three');
          }
        },
      ),
  }),
  ...Object.entries({
    generator: answering(() => words().values()),
    'async-generator': yielding(words()),
  }).map(([name, application]) =>
    audit({
      id: `body-108-${name}`,
      sentence: `MUST send a body of unknown length chunked to HTTP/1.1, and keep the connection: ${name}`,
      citation: 'RFC 9112 §6.1 and §7.1',
      run: (host) =>
        onStage(host, application, async ({ open, exchange }) => {
          const client = open();
          for (let round = 0; round < 2; round += 1) {
            const { framing, content } = await exchange(client);
            equal(framing, 'chunked');
            equal(content.toString(), words().map(String).join(''));
          }
        }),
    }),
  ),
  ...Object.entries({ 'at-once': () => {}, 'in-turn': aMoment }).map(([name, pause]) =>
    responseAudit({
      id: `body-108-one-chunk-each-${name}`,
      sentence: `SHOULD send each yielded piece as one chunk: ${name.replace('-', ' ')}`,
      citation: 'PEP 3333, Buffering and Streaming; Waitress test_http11_generator',
      // Since Node 26, node:http joins what is written in one turn of the event loop.
      needs: name === 'at-once' ? ['own-wire'] : [],
      async *application(_environ, startResponse) {
        startResponse('200 OK', text());
        for (const word of words()) {
          yield word;
          await pause();
        }
      },
      check: ({ chunks }) => deepEqual(chunks.map(String), words().map(String)),
    }),
  ),
  responseAudit({
    id: 'body-109-http-1-0',
    sentence:
      'MUST end a body of unknown length to HTTP/1.0 by closing, even if the client asks for keep-alive',
    citation: 'RFC 9112 §6.1 and §6.3',
    needs: ['http1'],
    application: yielding(words()),
    request: { protocol: 'HTTP/1.0', headers: [['Connection', 'keep-alive']] },
    check(response) {
      equal(response.framing, 'close');
      equal(response.content.toString(), words().map(String).join(''));
      assert.doesNotMatch(fieldValues(response, 'Connection').join(), /keep-alive/i);
    },
  }),
  ...Object.entries({
    array: answering(() => []),
    'empty-chunk': answering(() => [new Uint8Array(0)]),
    generator: yielding([]),
  }).map(([name, application]) =>
    responseAudit({
      id: `body-110-empty-${name}`,
      sentence: `MUST send Content-Length 0 for a body without octets: ${name.replace('-', ' ')}`,
      citation: 'RFC 9110 §8.6; wsgiref testBasicErrorOutput',
      application,
      check(response) {
        deepEqual(fieldValues(response, 'Content-Length'), ['0']);
        equal(response.framing, 'length');
      },
    }),
  ),
];

/** Lines 111 to 115: responses without content. */
const BODILESS_AUDITS: readonly GatewayAudit[] = [
  responseAudit({
    id: 'body-111-head-length',
    sentence: 'MUST keep the Content-Length of the application in a response to HEAD',
    citation: 'RFC 9110 §8.6 and §9.3.2; wsgiref testContentLength',
    request: { method: 'HEAD' },
    application: answering(() => [], text(['Content-Length', '12345'])),
    check: (response) => deepEqual(fieldValues(response, 'Content-Length'), ['12345']),
  }),
  ...Object.entries({
    array: answering(() => [octets('not sent')]),
    generator: yielding([octets('not sent')]),
  }).map(([name, application]) =>
    audit({
      id: `body-112-head-${name}`,
      sentence: `MUST NOT answer HEAD with content or a last chunk, and keep the connection: ${name}`,
      citation: 'RFC 9110 §9.3.2; Gunicorn issue 1079',
      run: (host) =>
        onStage(host, application, async ({ open, exchange }) => {
          const client = open();
          equal((await exchange(client, { method: 'HEAD' })).statusCode, 200);
          assert.ok(await client.isSilent(40), 'Nothing may follow the head');
          equal((await exchange(client)).content.toString(), 'not sent');
        }),
    }),
  ),
  audit({
    id: 'body-113-head-endless',
    sentence: 'MUST stop iterating an endless body for HEAD, and end it with return and close',
    citation: 'PEP 3333, Specification Details; gateway semantics §3.3',
    async run(host) {
      const ledger = openLedger();
      const application = answering(() => ledger.body(() => octets('tick')));
      await onStage(host, application, async ({ open, exchange }) => {
        const client = open();
        equal((await exchange(client, { method: 'HEAD' })).statusCode, 200);
        await eventually(
          () => ledger.closes === 1 && ledger.returns === 1,
          'return and close are called once',
        );
        assert.ok(ledger.steps < 10, `The body was iterated ${ledger.steps} times`);
      });
    },
  }),
  ...[204, 304].map((statusCode) =>
    audit({
      id: `body-114-status-${statusCode}`,
      sentence:
        statusCode === 204
          ? 'MUST NOT send content, Transfer-Encoding or Content-Length with 204'
          : 'MUST NOT send content or Transfer-Encoding with 304, and keep the Content-Length of the application',
      citation: 'RFC 9110 §6.4.1, §8.6 and §15.4.5; RFC 9112 §6.1',
      run: (host) =>
        onStage(host, answeringEmpty(statusCode), async ({ open, exchange }) => {
          const client = open();
          for (const target of ['/array', '/generator', '/length']) {
            const response = await exchange(client, { target });
            equal(response.statusCode, statusCode);
            deepEqual(fieldValues(response, 'Transfer-Encoding'), []);
            const kept = statusCode === 304 && target === '/length' ? ['8'] : [];
            deepEqual(fieldValues(response, 'Content-Length'), kept, target);
            assert.ok(await client.isSilent(20), `Nothing may follow the head: ${target}`);
          }
        }),
    }),
  ),
  audit({
    id: 'body-115-one-warning',
    sentence: 'SHOULD warn once about content with 204, not once per chunk',
    citation: 'RFC 9110 §6.4.1; Gunicorn test_no_body_response_strips_framing',
    run: (host) =>
      onStage(
        host,
        answering(() => [octets('a'), octets('b'), octets('c')], [], '204 No Content'),
        async ({ fetch, server }) => {
          equal((await fetch()).statusCode, 204);
          await eventually(() => server.log() !== '', 'a warning is logged');
          await aMoment();
          equal(server.log().match(/Application sent content where the status has none/g)?.length, 1);
        },
      ),
  }),
];

/** Lines 116 to 118: content that does not match its declared length. */
const LEDGER_AUDITS: readonly GatewayAudit[] = [
  ...Object.entries({
    array: answering(() => [octets('hello'), octets(' world')], text(['Content-Length', '7'])),
    generator: yielding([octets('hello'), octets(' world')], text(['Content-Length', '7'])),
  }).map(([name, application]) =>
    audit({
      id: `body-116-too-long-${name}`,
      sentence: `MUST send Content-Length octets and no more, warn, and go on with the next request: ${name}`,
      citation: 'PEP 3333, Handling the Content-Length Header; Waitress test_long_body',
      run: (host) =>
        onStage(host, application, async ({ open, exchange, server }) => {
          const client = open();
          for (let round = 0; round < 2; round += 1) {
            equal((await exchange(client)).content.toString(), 'hello w');
          }
          await eventually(() => /Content-Length/.test(server.log()), 'a warning is logged');
        }),
    }),
  ),
  audit({
    id: 'body-117-stops-iterating',
    sentence: 'SHOULD stop iterating when Content-Length is reached, so that a finally block runs',
    citation: 'PEP 3333, Handling the Content-Length Header',
    async run(host) {
      let ticks = 0;
      let hasEnded = false;
      const application: Application = async function* (_environ, startResponse) {
        startResponse('200 OK', text(['Content-Length', '8']));
        try {
          for (; ; ticks += 1) yield octets('tick');
        } finally {
          hasEnded = true;
        }
      };
      await onStage(host, application, async ({ fetch }) => {
        equal((await fetch()).content.toString(), 'ticktick');
        await eventually(() => hasEnded, 'the finally block runs');
        assert.ok(ticks < 10, `The body was iterated ${ticks} times`);
      });
    },
  }),
  ...Object.entries({
    array: answering(() => [octets('short')], text(['Content-Length', '10'])),
    generator: yielding([octets('short')], text(['Content-Length', '10'])),
  }).map(([name, application]) =>
    audit({
      id: `body-118-too-short-${name}`,
      sentence: `MUST close the connection when the content is shorter than Content-Length, and warn: ${name}`,
      citation: 'PEP 3333, Handling the Content-Length Header; Waitress test_short_body',
      async run(host) {
        const faults = collectFaults();
        const act = async (stage: Stage): Promise<void> => {
          const client = stage.open();
          client.send(stage.format());
          deepEqual(fieldValues(await client.readHead(), 'Content-Length'), ['10']);
          assert.ok((await client.readRest()).length <= 5, 'No more may come than the application gave');
          await eventually(() => /Content-Length/.test(faults.told(stage)), 'the operator is told');
          equal((await stage.fetch({ method: 'HEAD' })).statusCode, 200);
        };
        await onStage(host, application, act, faults.options);
      },
    }),
  ),
];

/** The audits of lines 105 to 118. */
export const FRAMING_AUDITS: readonly GatewayAudit[] = [
  ...LENGTH_AUDITS,
  ...BODILESS_AUDITS,
  ...LEDGER_AUDITS,
];

function words(): Uint8Array[] {
  return ['one ', 'two ', 'three'].map(octets);
}

/** Makes an application that gives content with a status that has none, in three ways. */
function answeringEmpty(statusCode: number): Application {
  const status = `${statusCode} Empty`;
  const chunks = [octets('not '), octets('sent')];
  return (environ, startResponse) => {
    const headers: HeaderList = environ.PATH_INFO === '/length' ? [['Content-Length', '8']] : [];
    const application =
      environ.PATH_INFO === '/generator'
        ? yielding(chunks, headers, status)
        : answering(() => chunks, headers, status);
    return application(environ, startResponse);
  };
}
