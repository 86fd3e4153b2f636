/** Audits of streaming: when the head and each chunk are sent, and backpressure. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { Application, Body, StartResponse } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage } from '../stage.ts';
import type { WireClient } from '../wire-client.ts';
import { answering, audit, gate, MAX_AHEAD, octets, responseAudit, standstill, text } from './kit.ts';

/** Three ways to call startResponse during the iteration. */
const LAZY_FORMS: Readonly<Record<string, Application>> = {
  generator: function* (_environ, startResponse) {
    startResponse('203 Non-Authoritative Information', text());
    yield octets('lazy');
  },
  'async-generator': async function* (_environ, startResponse) {
    await Promise.resolve();
    startResponse('203 Non-Authoritative Information', text());
    yield octets('lazy');
  },
  'late-third-chunk': async function* (_environ, startResponse) {
    yield octets('');
    yield octets('');
    startResponse('203 Non-Authoritative Information', text());
    yield octets('lazy');
  },
};

/** Makes a block of 64 KiB from its number. */
function block(index: number): Uint8Array {
  return new Uint8Array(1 << 16).fill(index & 0xff);
}

/** Makes a function that reads the content of a chunked response block by block, however a host cuts it into chunks. */
function blockReader(client: WireClient): () => Promise<Buffer> {
  const size = block(0).length;
  let rest: Buffer = Buffer.alloc(0);
  return async () => {
    while (rest.length < size) {
      const chunk = await client.readChunk();
      assert.ok(chunk, 'The response must not end early');
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    }
    const octets = rest.subarray(0, size);
    rest = rest.subarray(size);
    return octets;
  };
}

/** The audits of lines 103, 104, 119 to 121 and 136. */
export const STREAMING_AUDITS: readonly GatewayAudit[] = [
  ...Object.entries(LAZY_FORMS).map(([name, application]) =>
    responseAudit({
      id: `body-103-lazy-${name}`,
      sentence: `MUST use the status that is given during the iteration: ${name.replaceAll('-', ' ')}`,
      citation: 'PEP 3333, The start_response() Callable; Granian issue 845',
      application,
      check({ statusCode, content }) {
        equal(statusCode, 203);
        equal(content.toString(), 'lazy');
      },
    }),
  ),
  audit({
    id: 'body-104-empty-chunks-delay',
    sentence: 'MUST hold the head back while chunks are empty, so that it can be replaced',
    citation: 'PEP 3333, The start_response() Callable',
    async run(host) {
      const { opened, open: release } = gate();
      const application: Application = async function* (_environ, startResponse) {
        startResponse('200 OK', text(['X-First', '1']));
        yield octets('');
        await opened;
        startResponse('409 Conflict', text(), new Error('replaced'));
        yield octets('');
        yield octets('conflict');
      };
      await onStage(host, application, async ({ open, format }) => {
        const client = open();
        client.send(format());
        assert.ok(await client.isSilent(60), 'No head may leave with an empty chunk');
        release();
        const { statusCode, raw, content } = await client.readResponse();
        equal(statusCode, 409);
        assert.doesNotMatch(raw, /x-first/i);
        equal(content.toString(), 'conflict');
      });
    },
  }),
  ...[undefined, '7'].map((length) =>
    audit({
      id: length === undefined ? 'body-119-no-delay' : 'body-119-no-delay-length',
      sentence: `MUST NOT hold back a chunk until the next one comes, ${length === undefined ? 'chunked' : 'with Content-Length'}`,
      citation: 'PEP 3333, Buffering and Streaming',
      async run(host) {
        const gates = [gate(), gate()];
        const application: Application = async function* (_environ, startResponse) {
          startResponse('200 OK', text(...(length === undefined ? [] : [contentLength(length)])));
          yield octets('one');
          await gates[0]?.opened;
          yield octets('two');
          await gates[1]?.opened;
          yield octets('3');
        };
        await onStage(host, application, async ({ open, format }) => {
          const client = open();
          const read = async (size: number): Promise<string> =>
            String(length === undefined ? await client.readChunk() : await client.readOctets(size));
          client.send(format());
          await client.readHead();
          equal(await read(3), 'one');
          gates[0]?.open();
          equal(await read(3), 'two');
          gates[1]?.open();
          equal(await read(1), '3');
        });
      },
    }),
  ),
  ...Object.entries({ async: true, sync: false }).map(([name, isAsync]) =>
    audit({
      id: `body-120-slow-reader-${name}`,
      sentence: `MUST make the application wait for a slow client, in bounded memory: ${name} generator`,
      citation: 'PEP 3333, Buffering and Streaming; a2wsgi README',
      async run(host) {
        const count = 768;
        let given = 0;
        function* blocks(): Generator<Uint8Array> {
          while (given < count) yield block(given++);
        }
        const application = answering((): Body => (isAsync ? toAsync(blocks()) : blocks()));
        await onStage(host, application, async ({ open, format }) => {
          const client = open();
          client.send(format());
          const assertBounded = (read: number, given: number): void => {
            const ahead = (given - read) * (1 << 16);
            assert.ok(ahead <= MAX_AHEAD, `The application is ${ahead} octets ahead of the client`);
          };
          assertBounded(0, await standstill(() => given));
          await client.readHead();
          const readBlock = blockReader(client);
          for (let read = 0; read < count; read += 1) {
            const octets = await readBlock();
            assert.ok(octets.equals(block(read)), `Block ${read} must arrive whole and in order`);
            assertBounded(read, given);
          }
          equal(await client.readChunk(), null);
        });
      },
    }),
  ),
  audit({
    id: 'body-121-large-chunk',
    sentence: 'MUST send all of a chunk that is larger than any buffer',
    citation: 'PEP 3333, Buffering and Streaming; wsgiref testPartialWrite',
    async run(host) {
      const large = Buffer.alloc(8 << 20, 'gatebridge ');
      await onStage(
        host,
        answering(() => [large]),
        async ({ open, format }) => {
          const client = open();
          client.send(format());
          await standstill(() => client.socket.readableLength);
          assert.ok((await client.readResponse()).content.equals(large));
        },
      );
    },
  }),
  audit({
    id: 'body-136-pipelining',
    sentence: 'MUST answer pipelined requests in order, however long each takes',
    citation: 'RFC 9112 §9.3.2',
    needs: ['http1'],
    async run(host) {
      const application: Application = async (environ, startResponse: StartResponse) => {
        const turns = 6 - Number(environ.PATH_INFO.slice(1));
        for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2));
        startResponse('200 OK', text());
        return [octets(environ.PATH_INFO)];
      };
      await onStage(host, application, async ({ open, format }) => {
        const client = open();
        const targets = ['/1', '/2', '/3', '/4', '/5'];
        client.send(Buffer.concat(targets.map((target) => format({ target }))));
        const contents: string[] = [];
        for (const _ of targets) contents.push(String((await client.readResponse()).content));
        deepEqual(contents, targets);
      });
    },
  }),
];

function contentLength(length: string): [string, string] {
  return ['Content-Length', length];
}

async function* toAsync(blocks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const block of blocks) {
    await Promise.resolve();
    yield block;
  }
}
