/** Audits of HTTP/1.1: refused requests, persistence, and stopping a server. */
import assert, { equal } from 'node:assert/strict';
import type { Application } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage } from '../stage.ts';
import { fieldValues, WireClient } from '../wire-client.ts';
import { echo, post } from './input.ts';
import { answering, audit, eventually, gate, hello, octets, refusalAudit, text, yielding } from './kit.ts';

/** Makes a request with the given field lines, unchanged. */
function withLines(...lines: string[]): string {
  return `POST / HTTP/1.1\r\nHost: audit.test\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** Chunks that RFC 9112 §7.1 does not allow. */
const BROKEN_CHUNKS = [
  'x\r\n',
  '+5\r\nhello\r\n0\r\n\r\n',
  '0x5\r\nhello\r\n0\r\n\r\n',
  ' 5\r\nhello\r\n0\r\n\r\n',
  '5\nhello\r\n0\r\n\r\n',
  '5\r\nhelloXX0\r\n\r\n',
  '5\r\nhello0\r\n\r\n',
  '5\r\nhello\r\n0\r\nX \r\n\r\n',
  '\r\n',
];

/** Lines 177 to 180: malformed and oversized requests. */
const REFUSAL_AUDITS: readonly GatewayAudit[] = [
  refusalAudit({
    id: 'protocol-177-length-and-coding',
    sentence: 'MUST refuse a request with both Content-Length and Transfer-Encoding, and close',
    citation: 'RFC 9112 §6.1',
    needs: ['http1'],
    statusCode: 400,
    closes: true,
    requests: [
      `${withLines('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      `${withLines('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
    ],
  }),
  refusalAudit({
    id: 'protocol-177-content-length',
    sentence: 'MUST refuse a Content-Length that is not only digits, and close',
    citation: 'RFC 9112 §6.3; RFC 9110 §8.6',
    needs: ['http1'],
    statusCode: 400,
    closes: true,
    requests: ['+5', '-5', '5, 5', '5,5', '0x5', '1_0', '5.0', '5 5', '', '\u00b2'].map((length) =>
      withLines(`Content-Length: ${length}`),
    ),
  }),
  refusalAudit({
    id: 'protocol-178-field-lines',
    sentence:
      'MUST refuse a head with bare CR or LF, NUL, a folded line or white space before a colon, and close',
    citation: 'RFC 9112 §2.2, §5.1 and §5.2; RFC 9110 §5.5',
    needs: ['http1'],
    statusCode: 400,
    closes: true,
    requests: [
      'GET / HTTP/1.1\nHost: audit.test\n\n',
      'GET / HTTP/1.1\r\nHost: audit.test\nX-A: 1\r\n\r\n',
      withLines('X-A: 1\rX-B: 2'),
      withLines('X-A: 1\n\r\n'),
      withLines('X-A: 1\0'),
      withLines('X-A: 1', ' folded'),
      withLines('X-A: 1', '\tfolded'),
      withLines('X-A : 1'),
      withLines(' X-A: 1'),
      withLines('X-A'),
      withLines(': 1'),
    ],
  }),
  ...Object.entries({
    'trailing-space': 'GET / HTTP/1.1 \r\n',
    'lower-case-version': 'GET / http/1.1\r\n',
    'version-suffix': 'GET / HTTP/1.1x\r\n',
    'two-spaces': 'GET  / HTTP/1.1\r\n',
  }).map(([name, line]) =>
    refusalAudit({
      id: `protocol-178-request-line-${name}`,
      sentence: `MUST refuse a malformed request line, and close: ${name.replaceAll('-', ' ')}`,
      citation: 'RFC 9112 §3',
      needs: name === 'two-spaces' ? ['own-wire'] : ['http1'],
      statusCode: 400,
      closes: true,
      requests: [`${line}Host: audit.test\r\n\r\n`],
    }),
  ),
  audit({
    id: 'protocol-177-chunks',
    sentence: 'MUST answer 400 to malformed chunks before the head is sent, and close',
    citation: 'RFC 9112 §7.1; Waitress broken_chunked',
    needs: ['http1'],
    run: (host) =>
      onStage(host, echo, async ({ open, format }) => {
        for (const chunks of BROKEN_CHUNKS) {
          const client = open();
          client.send(format({ method: 'POST', headers: [['Transfer-Encoding', 'chunked']] }));
          client.send(chunks);
          equal((await client.readResponse()).statusCode, 400, `Wrong status for ${JSON.stringify(chunks)}`);
          await client.farewell((rest) => equal(rest.length, 0));
        }
      }),
  }),
  refusalAudit({
    id: 'protocol-179-transfer-coding',
    sentence: 'MUST answer 501 to a transfer coding that it does not know, and close',
    citation: 'RFC 9112 §6.1',
    needs: ['own-wire'],
    statusCode: 501,
    closes: true,
    requests: [
      withLines('Transfer-Encoding: gzip, chunked'),
      withLines('Transfer-Encoding: br, gzip, chunked'),
    ],
  }),
  refusalAudit({
    id: 'protocol-180-request-line',
    sentence: 'SHOULD answer 414 to a request line that is too long',
    citation: 'RFC 9112 §3; RFC 9110 §15.5.15',
    needs: ['own-wire'],
    statusCode: 414,
    requests: [{ target: `/${'a'.repeat(40_000)}` }],
  }),
  refusalAudit({
    id: 'protocol-180-field-section',
    sentence: 'SHOULD answer 431 to a field section that is too large',
    citation: 'RFC 6585 §5',
    needs: ['http1'],
    statusCode: 431,
    requests: [{ headers: [['X-Large', 'a'.repeat(40_000)]] }],
  }),
];

/** Lines 181, 182 and 184: when a connection is kept or closed. */
const PERSISTENCE_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'protocol-181-http-1-0',
    sentence: 'MUST close the connection after a response to HTTP/1.0',
    citation: 'RFC 9112 §9.3',
    needs: ['http1'],
    run: (host) =>
      onStage(host, hello, async ({ open, exchange }) => {
        const client = open();
        equal((await exchange(client, { protocol: 'HTTP/1.0' })).content.toString(), 'hello');
        equal(await client.farewell((rest) => equal(rest.length, 0)), 'end');
      }),
  }),
  audit({
    id: 'protocol-181-http-1-0-keep-alive',
    sentence:
      'SHOULD keep the connection of an HTTP/1.0 client that asks for it, and say so, if the length is known',
    citation: 'RFC 9112 §9.3 and Appendix C.2.2; Waitress test_keepalive_http_10',
    needs: ['http1'],
    run: (host) =>
      onStage(host, hello, async ({ open, exchange }) => {
        const client = open();
        for (let round = 0; round < 2; round += 1) {
          const response = await exchange(client, {
            protocol: 'HTTP/1.0',
            headers: [['Connection', 'Keep-Alive']],
          });
          assert.match(fieldValues(response, 'Connection').join(), /^keep-alive$/i);
          equal(response.framing, 'length');
        }
      }),
  }),
  ...Object.entries({ length: hello, chunked: yielding([octets('hello')]) }).map(([name, application]) =>
    audit({
      id: `protocol-182-close-${name}`,
      sentence: `MUST close the connection after a request with Connection: close, and say so: ${name}`,
      citation: 'RFC 9112 §9.6',
      needs: ['http1'],
      run: (host) =>
        onStage(host, application, async ({ open, exchange }) => {
          const client = open();
          const response = await exchange(client, { headers: [['Connection', 'close']] });
          equal(response.content.toString(), 'hello');
          assert.match(fieldValues(response, 'Connection').join(), /^close$/i);
          equal(await client.farewell((rest) => equal(rest.length, 0)), 'end');
        }),
    }),
  ),
  audit({
    id: 'protocol-184-half-close',
    sentence: 'MUST answer a client that closes its sending side after the request',
    citation: 'RFC 9112 §9.6',
    needs: ['half-close'],
    async run(host) {
      const { opened, open: release } = gate();
      const application: Application = async (environ, startResponse) => {
        const content = await environ['wsgi.input'].read();
        await opened;
        startResponse('200 OK', text());
        return [content];
      };
      await onStage(host, application, async ({ open, format }) => {
        const client = open();
        client.send(format(post('half')));
        client.halfClose();
        assert.ok(await client.isSilent(40), 'The connection must stay');
        release();
        equal((await client.readResponse()).content.toString(), 'half');
      });
    },
  }),
];

/** Line 183: stopping a server. */
const STOP_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'protocol-183-graceful-stop',
    sentence:
      'MUST let running responses finish when it stops, close idle connections, and accept no new ones',
    citation: 'RFC 9112 §9.5; Waitress issue 198',
    needs: ['stop'],
    async run(host) {
      const { opened, open: release } = gate();
      const slow: Application = async function* (environ, startResponse) {
        startResponse('200 OK', text());
        yield octets('begun ');
        if (environ.PATH_INFO === '/slow') await opened;
        yield octets('and done');
      };
      await onStage(host, slow, async ({ open, exchange, format, server }) => {
        const idle = open();
        await exchange(idle);
        const busy = open();
        busy.send(format({ target: '/slow' }));
        await busy.readHead();
        equal(String(await busy.readChunk()), 'begun ');
        assert.ok(server.stop, 'A host that stops gracefully has a stop method');
        const stopped = server.stop(5000);
        equal(await idle.farewell(), 'end');
        await assertRefused(new WireClient(server.connect()), format());
        release();
        equal(String(await busy.readChunk()), 'and done');
        equal(await busy.readChunk(), null);
        await stopped;
      });
    },
  }),
  audit({
    id: 'protocol-183-hard-stop',
    sentence: 'MUST cut off a response that still runs at the deadline, and close its body',
    citation: 'Waitress issue 198; gateway semantics §6.2',
    needs: ['stop'],
    async run(host) {
      let closes = 0;
      async function* endless(): AsyncGenerator<Uint8Array> {
        yield octets('begun');
        await new Promise(() => {});
      }
      const application = answering(() => Object.assign(endless(), { close: () => (closes += 1) }));
      const act: Parameters<typeof onStage>[2] = async ({ open, format, server }) => {
        const client = open();
        client.send(format());
        await client.readHead();
        await server.stop?.(100);
        const rest = (await client.readRest()).toString();
        assert.ok(
          !rest.endsWith('0\r\n\r\n'),
          'A response that was cut off must not end as if it were whole',
        );
        await eventually(() => closes === 1, 'close is called once');
      };
      await onStage(host, application, act, { gateway: { closeTimeout: 20 } });
    },
  }),
];

/** The audits of lines 177 to 184. */
export const PROTOCOL_AUDITS: readonly GatewayAudit[] = [
  ...REFUSAL_AUDITS,
  ...PERSISTENCE_AUDITS,
  ...STOP_AUDITS,
];

/** Checks that a connection is refused or ended without an answer. */
async function assertRefused(client: WireClient, request: Uint8Array): Promise<void> {
  client.send(request);
  await client.farewell((rest) => equal(rest.length, 0, 'No new connection may be served'));
}
