/** Audits of request content: limits, unread content, Expect. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { Application, InputStream } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage, type RequestParts } from '../stage.ts';
import { fieldValues } from '../wire-client.ts';
import { echo, post } from './input.ts';
import { aMoment, audit, eventually, gate, hello, octets, refusalAudit, text } from './kit.ts';

/** Lines 167 to 170: too much content, and content that the application ignores. */
const LIMIT_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'input-167-too-large',
    sentence:
      'MUST answer 413 to a Content-Length above the limit without calling the application, and deliver the answer',
    citation: 'RFC 9110 §15.5.14; Waitress TooLargeTests; Flask issue 2662',
    needs: ['body-limit'],
    async run(host) {
      let calls = 0;
      const counting: Application = (environ, startResponse) => {
        calls += 1;
        return echo(environ, startResponse);
      };
      const act: Act = async ({ open, exchange }) => {
        const client = open();
        const response = await exchange(client, post(new Uint8Array(1 << 20)));
        equal(response.statusCode, 413);
        equal(calls, 0);
        // Over HTTP/2 only the stream ends.
        if (host.capabilities.has('http1')) equal(await client.farewell(), 'end');
        const other = open();
        equal((await exchange(other, post(new Uint8Array(1000)))).content.length, 1000);
      };
      await onStage(host, counting, act, { gateway: { maxBodySize: 1000 } });
    },
  }),
  audit({
    id: 'input-168-too-large-chunked',
    sentence:
      'MUST reject the read that passes the limit, and answer 413 if the application does not catch that',
    citation: 'RFC 9110 §15.5.14; Waitress too_large_chunked',
    needs: ['body-limit'],
    run: (host) =>
      onStage(
        host,
        echo,
        async ({ fetch }) => {
          const chunk = new Uint8Array(600);
          equal((await fetch({ method: 'POST', chunks: [chunk, chunk] })).statusCode, 413);
          equal((await fetch({ method: 'POST', chunks: [chunk] })).content.length, 600);
        },
        { gateway: { maxBodySize: 1000 } },
      ),
  }),
  audit({
    id: 'input-169-ignored-content',
    sentence: 'MUST serve the next request on a connection after content that the application ignored',
    citation: 'RFC 9112 §9.3; Gunicorn issue 3301',
    async run(host) {
      const paths: string[] = [];
      const noting: Application = (environ, startResponse) => {
        paths.push(environ.PATH_INFO);
        return hello(environ, startResponse);
      };
      await onStage(host, noting, async ({ open, exchange }) => {
        const client = open();
        const evil = 'GET /evil HTTP/1.1\r\nHost: evil.test\r\n\r\n';
        for (const request of [
          post(evil),
          { method: 'POST', chunks: [evil, evil] },
          post(new Uint8Array(50_000)),
        ]) {
          equal((await exchange(client, request)).content.toString(), 'hello');
        }
        equal((await exchange(client)).content.toString(), 'hello');
        deepEqual(paths, ['/', '/', '/', '/'], 'Content must not be taken for a request');
      });
    },
  }),
  audit({
    id: 'input-170-ignored-upload',
    sentence: 'MUST let a client read the answer while it still sends content that nobody reads',
    citation: 'RFC 9112 §9.6; Gunicorn issue 2622',
    run: (host) =>
      onStage(host, hello, async ({ fetch }) => {
        equal((await fetch(post(new Uint8Array(6 << 20)))).content.toString(), 'hello');
      }),
  }),
  audit({
    id: 'input-170-bounded-drain',
    sentence: 'MUST close the connection instead of reading unlimited unwanted content',
    citation: 'RFC 9112 §9.3 and §9.6; Gunicorn pull request 3546',
    needs: ['drain-limit'],
    run: (host) =>
      onStage(
        host,
        hello,
        async ({ open, format }) => {
          const client = open();
          client.send(format(post(new Uint8Array(64 << 20))));
          equal((await client.readResponse()).content.toString(), 'hello');
          await client.farewell((rest) => equal(rest.length, 0));
        },
        { gateway: { maxDrainSize: 1 << 16 } },
      ),
  }),
];

const EXPECTING: RequestParts = {
  method: 'POST',
  content: '',
  headers: [
    ['Expect', '100-continue'],
    ['Content-Length', '7'],
  ],
};

/** Lines 171 to 174: Expect. */
const EXPECT_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'input-171-continue-on-read',
    sentence: 'MUST send one 100 (Continue) at the first read and none before',
    citation: 'PEP 3333, HTTP 1.1 Expect/Continue; RFC 9110 §10.1.1',
    needs: ['expect'],
    async run(host) {
      const { opened, open: release } = gate();
      const application: Application = async (environ, startResponse) => {
        const hasContent = environ.REQUEST_METHOD === 'POST';
        if (hasContent) await opened;
        const input = environ['wsgi.input'];
        const content = hasContent ? [await input.read(3), await input.read()] : [];
        startResponse('200 OK', text());
        return content;
      };
      await onStage(host, application, async ({ open, format, exchange, fetch }) => {
        const client = open();
        client.send(format(EXPECTING));
        // When another request is answered, the client has all that the host has sent at once.
        await fetch();
        assert.ok(await client.isSilent(60), 'Nothing may come before the first read');
        release();
        equal((await client.readHead()).statusCode, 100);
        client.send('content');
        const response = await client.readResponse();
        deepEqual(response.interim, []);
        equal(response.content.toString(), 'content');
        equal((await exchange(client, post('more'))).content.toString(), 'more');
      });
    },
  }),
  audit({
    id: 'input-172-no-read',
    sentence: 'MUST NOT send 100 if the application answers without reading, and close the connection',
    citation: 'RFC 9110 §10.1.1; Werkzeug issue 1174',
    needs: ['expect'],
    run: (host) =>
      onStage(
        host,
        (_environ, startResponse) => {
          startResponse('401 Unauthorized', text(['WWW-Authenticate', 'Basic realm="audit"']));
          return [octets('no')];
        },
        async ({ open, exchange }) => {
          const client = open();
          const response = await exchange(client, EXPECTING);
          equal(response.statusCode, 401);
          deepEqual(response.interim, []);
          assert.match(fieldValues(response, 'Connection').join(), /close/i);
          await client.farewell((rest) => equal(rest.length, 0));
        },
      ),
  }),
  audit({
    id: 'input-173-read-after-head',
    sentence: 'MUST NOT send 100 once the final head has left',
    citation: 'RFC 9110 §15.2; eventlet pull request 557',
    needs: ['expect'],
    async run(host) {
      const application: Application = async function* (environ, startResponse) {
        startResponse('200 OK', text());
        yield octets('begun ');
        yield await environ['wsgi.input'].read();
      };
      await onStage(host, application, async ({ open, format }) => {
        const client = open();
        client.send(format(EXPECTING));
        equal((await client.readHead()).statusCode, 200);
        equal(String(await client.readChunk()), 'begun ');
        assert.ok(await client.isSilent(40), 'Nothing may come in the middle of the response');
        client.send('content');
        equal(String(await client.readChunk()), 'content');
        equal(await client.readChunk(), null);
      });
    },
  }),
  audit({
    id: 'input-174-http-1-0',
    sentence: 'MUST ignore the expectation of an HTTP/1.0 client',
    citation: 'RFC 9110 §10.1.1',
    needs: ['http1'],
    run: (host) =>
      onStage(host, echo, async ({ open, format }) => {
        const client = open();
        client.send(format({ ...EXPECTING, protocol: 'HTTP/1.0' }));
        assert.ok(await client.isSilent(60), 'No interim response may come');
        client.send('content');
        const response = await client.readResponse();
        deepEqual(response.interim, []);
        equal(response.content.toString(), 'content');
      }),
  }),
  refusalAudit({
    id: 'input-174-unknown-expectation',
    sentence: 'SHOULD answer 417 to an expectation that it does not know',
    citation: 'RFC 9110 §10.1.1',
    statusCode: 417,
    requests: [{ headers: [['Expect', 'miracles']] }],
  }),
];

type Reader = (input: InputStream, note: (octets: number) => void) => Promise<void>;

/** Readers that go on after the answer. */
const READERS: readonly Reader[] = [
  async (input, note) => {
    for await (const piece of input.chunks()) {
      note(piece.length);
      await aMoment(1);
    }
  },
  async (input, note) => {
    let count = 0;
    for await (const line of input) {
      note(line.length);
      count += 1;
      if (count % 200 === 0) await aMoment(1);
    }
  },
  async (input, note) => note((await input.read()).length),
];

/** Line 235: content that is read on. */
const READING_ON_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'input-235-read-on',
    sentence: 'MUST give an application the content that it goes on to read after its response',
    citation: 'node:http, whose requests are read on after the response',
    async run(host) {
      const content = `${'0'.repeat(99)}\n`.repeat(2000);
      for (const read of READERS) {
        let length = 0;
        let outcome: unknown;
        const application: Application = async (environ, startResponse) => {
          if (environ.REQUEST_METHOD === 'POST') {
            const note = (octets: number): void => {
              length += octets;
            };
            const isOver = read(environ['wsgi.input'], note).then(() => 'read');
            void isOver
              .catch((error: unknown) => error)
              .then((value) => {
                outcome = value;
              });
            await Promise.resolve();
          }
          return hello(environ, startResponse);
        };
        await onStage(host, application, async ({ open, exchange }) => {
          const client = open();
          equal((await exchange(client, post(content))).content.toString(), 'hello');
          await eventually(() => outcome !== undefined, 'the end of the reading');
          equal(outcome, 'read');
          equal(length, content.length);
          equal((await exchange(client)).content.toString(), 'hello');
        });
      }
    },
  }),
  audit({
    id: 'input-235-left-unread',
    sentence: 'MUST serve the next request after content that an application has ceased to read',
    citation: 'RFC 9112 §9.3',
    run: (host) =>
      onStage(
        host,
        async (environ, startResponse) => {
          if (environ.REQUEST_METHOD === 'POST') {
            void (async () => {
              for await (const piece of environ['wsgi.input'].chunks()) {
                await aMoment(20);
                if (piece.length > 0) return;
              }
            })();
          }
          return hello(environ, startResponse);
        },
        async ({ open, exchange }) => {
          const client = open();
          equal((await exchange(client, post('x\n'.repeat(100_000)))).content.toString(), 'hello');
          equal((await exchange(client)).content.toString(), 'hello');
        },
      ),
  }),
];

/** The audits of lines 167 to 174, and 235. */
export const CONTENT_AUDITS: readonly GatewayAudit[] = [
  ...LIMIT_AUDITS,
  ...EXPECT_AUDITS,
  ...READING_ON_AUDITS,
];

type Act = Parameters<typeof onStage>[2];
