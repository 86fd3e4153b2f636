/** Audits of memory that an application uses again: that of a chunk, and that of a whole response. */
import assert, { equal } from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { ApplicationFunction, Body, Environ, StartResponse } from '../../wsgi.ts';
import type { AuditHost, GatewayAudit } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import { aMoment, audit, MAX_AHEAD, text } from './kit.ts';

/** Octets of a chunk: smaller and larger than what hosts copy, and more than a kernel takes at once. */
const CHUNK_SIZES: readonly number[] = [4, 3000, 15_000, 70_000, 1_500_000];

const CHUNKS = 6;

/** Applications that send each chunk from the same memory, by name. */
const REUSERS: Readonly<Record<string, (size: number, headers: [string, string][]) => ApplicationFunction>> =
  {
    'a-generator': (size, headers) =>
      function* (_environ, startResponse) {
        startResponse('200 OK', text(...headers));
        yield* refilled(size);
      },
    'an-async-generator': (size, headers) =>
      async function* (_environ, startResponse) {
        startResponse('200 OK', text(...headers));
        for (const chunk of refilled(size)) {
          await turn();
          yield chunk;
        }
      },
    'an-async-generator-without-a-turn': (size, headers) =>
      async function* (_environ, startResponse) {
        startResponse('200 OK', text(...headers));
        yield* refilled(size);
      },
    'awaited-writes': (size, headers) => async (_environ, startResponse) => {
      const write = startResponse('200 OK', text(...headers));
      for (const chunk of refilled(size)) await write(chunk);
      return [];
    },
    'a-file': (size, headers) => (environ, startResponse) => {
      startResponse('200 OK', text(...headers));
      const chunks = refilled(size);
      const file = { read: () => chunks.next().value ?? null };
      return environ['wsgi.file_wrapper']?.(file, size) ?? [];
    },
  };

/** Line 231. */
const CHUNK_AUDITS: readonly GatewayAudit[] = Object.entries(REUSERS).flatMap(([name, makeReuser]) =>
  CHUNK_SIZES.map((size) =>
    audit({
      id: `body-231-${name}-${size}`,
      sentence: `MUST be done with a chunk when it asks for the next: ${name.replaceAll('-', ' ')}, ${size} octets`,
      citation: 'Gateway semantics, line 231',
      async run(host) {
        // In the chunked coding the chunk has neighbours, with a length it may leave alone.
        for (const headers of [[], [['Content-Length', String(CHUNKS * size)]]] as [string, string][][]) {
          await onStage(host, makeReuser(size, headers), async ({ open, format }) => {
            const client = open();
            client.send(format());
            // The kernel gets no more than fits until the client reads.
            await aMoment(20);
            const { content } = await client.readResponse();
            equal(content.length, CHUNKS * size);
            for (let index = 0; index < CHUNKS; index += 1) {
              const chunk = content.subarray(index * size, (index + 1) * size);
              assert.ok(chunk.equals(Buffer.alloc(size, letterOf(index))), `Chunk ${index} was changed`);
            }
          });
        }
      },
    }),
  ),
);

/** Line 231, with more content than kernels buffer: they take a part of a chunk. */
const SLOW_AUDITS: readonly GatewayAudit[] = [5000, 20_000].map((size) =>
  audit({
    id: `body-231-slow-reader-${size}`,
    sentence: `MUST be done with a chunk when it asks for the next, also if the client is slow: ${size} octets`,
    citation: 'Gateway semantics, line 231',
    async run(host) {
      const count = Math.ceil(MAX_AHEAD / size);
      const application: ApplicationFunction = function* (_environ, startResponse) {
        startResponse('200 OK', text(['Content-Length', String(count * size)]));
        yield* refilled(size, count);
      };
      await onStage(host, application, async ({ open, format }) => {
        const client = open();
        client.send(format());
        await aMoment(200);
        await client.readHead();
        for (let index = 0; index < count; index += 1) {
          const chunk = await client.readOctets(size);
          assert.ok(chunk.equals(Buffer.alloc(size, letterOf(index))), `Chunk ${index} was changed`);
        }
      });
    },
  }),
);

/** A response that an application takes back once it is told of the end. */
interface Pooled {
  readonly moment: 'on-finished' | 'close';
  readonly makeBody: (buffer: Uint8Array) => Body;
}

/** Responses from a pool, by name. */
const POOLED: Readonly<Record<string, Pooled>> = {
  'array-on-finished': { moment: 'on-finished', makeBody: (buffer) => [buffer] },
  'halves-on-finished': {
    moment: 'on-finished',
    makeBody: (buffer) => [buffer.subarray(0, buffer.length >> 1), buffer.subarray(buffer.length >> 1)],
  },
  'array-close': { moment: 'close', makeBody: (buffer) => [buffer] },
  'generator-close': {
    moment: 'close',
    makeBody: (buffer) =>
      (function* () {
        yield buffer;
      })(),
  },
};

/** Octets of a response, and the number of responses, which is more than kernels buffer. */
const RESPONSES: readonly (readonly [size: number, count: number])[] = [
  [1, 300],
  [4096, 1500],
  [15_000, 400],
  [300_000, 25],
];

/** Line 232. */
const RESPONSE_AUDITS: readonly GatewayAudit[] = Object.entries(POOLED).map(([name, row]) =>
  audit({
    id: `body-232-${name}`,
    sentence: `MUST be done with all memory before it tells of the end: ${name.replaceAll('-', ' ')}`,
    citation: 'Gateway semantics, line 232',
    needs: ['deep-pipeline'],
    async run(host) {
      for (const [size, count] of RESPONSES) await fillsAgain(host, pooled(row, size), [size, count]);
    },
  }),
);

/** The audits of lines 231 and 232. */
export const MEMORY_AUDITS: readonly GatewayAudit[] = [...CHUNK_AUDITS, ...SLOW_AUDITS, ...RESPONSE_AUDITS];

/** Gives the same memory again and again, each time filled with another letter. */
function* refilled(size: number, count = CHUNKS): Generator<Uint8Array, undefined> {
  const memory = Buffer.alloc(size);
  for (let index = 0; index < count; index += 1) yield memory.fill(letterOf(index));
  memory.fill('-');
  return undefined;
}

function letterOf(index: number): string {
  return String.fromCharCode(65 + (index % 26));
}

/** An application that answers with the letter of its query, from a pool of buffers. */
function pooled({ moment, makeBody }: Pooled, size: number): ApplicationFunction {
  const pool: Buffer[] = [];
  return (environ: Environ, startResponse: StartResponse) => {
    const buffer = (pool.pop() ?? Buffer.alloc(size)).fill(environ.QUERY_STRING);
    const giveBack = (): void => {
      pool.push(buffer.fill('-'));
    };
    startResponse('200 OK', text());
    const body = makeBody(buffer);
    if (moment === 'close') return Object.assign(body, { close: giveBack });
    environ['gateway.on_finished']?.(giveBack);
    return body;
  };
}

/** Pipelines requests of one client, which reads late, while another client asks too. */
async function fillsAgain(
  host: AuditHost,
  application: ApplicationFunction,
  [size, count]: readonly [size: number, count: number],
): Promise<void> {
  const act = async ({ open, format, exchange }: Stage): Promise<void> => {
    const slow = open();
    slow.send(Buffer.concat(Array.from({ length: count }, () => format({ target: '/?A' }))));
    await aMoment(50);
    const other = open();
    for (let index = 0; index < 20; index += 1) {
      const { content } = await exchange(other, { target: '/?B' });
      assert.ok(content.equals(Buffer.alloc(size, 'B')), 'A response of the other client was changed');
    }
    const expected = Buffer.alloc(size, 'A');
    for (let index = 0; index < count; index += 1) {
      const { content } = await slow.readResponse();
      equal(content.length, size);
      assert.ok(content.equals(expected), `Response ${index} of ${size} octets was changed`);
    }
  };
  await onStage(host, application, act);
}
