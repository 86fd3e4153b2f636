/** Streams are read step by step, and no error that comes after the head is lost. */
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import { buildEnviron, createClient, runApp } from '../../src/testing/index.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';

const TEXT: HeaderList = [['Content-Type', 'text/plain']];
const octets = (text: string): Uint8Array => Buffer.from(text);

/** An event that fills the buffer of a wrapped program. */
const event = (number: number): string => `data: ${number} ${'.'.repeat(16_384)}\n\n`;

/** An endless stream, as a test watches it from within. */
interface Watched {
  /** Events that the program has begun to write. */
  sent: number;
  /** The program knows that its client has left. */
  hasLeft: boolean;
}

/** A listener that writes events, with backpressure, until its client leaves. */
const writing =
  (watched: Watched): express.RequestHandler =>
  async (_request, response) => {
    response.setHeader('Content-Type', 'text/event-stream').on('close', () => {
      watched.hasLeft = true;
    });
    while (!watched.hasLeft) {
      watched.sent += 1;
      if (!response.write(event(watched.sent)))
        await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
      await new Promise(setImmediate);
    }
  };

const STREAMS: Readonly<Record<string, (watched: Watched) => Application>> = {
  'a generator': (watched) =>
    function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/event-stream']]);
      try {
        for (;;) {
          watched.sent += 1;
          yield octets(event(watched.sent));
        }
      } finally {
        watched.hasLeft = true;
      }
    },
  'an async generator': (watched) =>
    async function* (environ, startResponse) {
      environ['gateway.signal']?.().addEventListener('abort', () => {
        watched.hasLeft = true;
      });
      startResponse('200 OK', [['Content-Type', 'text/event-stream']]);
      for (;;) {
        watched.sent += 1;
        yield octets(event(watched.sent));
        await new Promise(setImmediate);
      }
    },
  fromNode: (watched) => fromNode(writing(watched) as never),
  fromExpress: (watched) => fromExpress(express().use(writing(watched))),
  fromFastify: (watched) => {
    const app = fastify();
    app.get('/', (request, reply) => {
      reply.hijack();
      void writing(watched)(request.raw as never, reply.raw as never, () => {});
    });
    return fromFastify(app);
  },
};

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

describe.each(Object.entries(STREAMS))('an endless stream of %s', (name, make) => {
  it.each([undefined, false])('waits for the test, and ends with it; buffered: %s', async (buffered) => {
    const watched: Watched = { sent: 0, hasLeft: false };
    const response = await createClient(make(watched), { buffered }).get('/');
    await turns(30);
    const { sent } = watched;
    // A wrapped program has buffers of its own, of 16 or 64 KiB.
    expect(sent).toBeLessThanOrEqual(name.includes('generator') ? 1 : 8);
    await turns(30);
    expect(watched).toEqual({ sent, hasLeft: false });

    let text = '';
    for await (const chunk of response.body) {
      text += Buffer.from(chunk).toString();
      if (text.includes(`data: ${sent + 2} `)) break;
    }
    const numbers = [...text.matchAll(/data: (\d+) /g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(numbers.map((_number, index) => index + 1));
    await response.abort();
    await expect.poll(() => watched.hasLeft).toBe(true);
    const after = watched.sent;
    await turns(30);
    expect(watched.sent).toBe(after);
    expect(after).toBeLessThanOrEqual(sent + 12);
  });
});

describe('an error after the head', () => {
  const error = new Error('audit');

  /** Fails after its first chunk, and perhaps after turns of the event loop. */
  const failing = (wait: number): Application =>
    async function* (_environ, startResponse) {
      startResponse('200 OK', TEXT);
      yield octets('a');
      await turns(wait);
      throw error;
    };

  it('fails a request whose response nobody reads, if it comes at once', async () => {
    await expect(createClient(failing(0)).get('/')).rejects.toBe(error);
    await expect(runApp(failing(0), buildEnviron())).rejects.toBe(error);
  });

  it('can be awaited by a test that wants the content before it', async () => {
    const { body } = await createClient(failing(0)).get('/', { buffered: false });
    const chunks: string[] = [];
    await expect(
      (async () => {
        for await (const chunk of body) chunks.push(String(chunk));
      })(),
    ).rejects.toBe(error);
    expect(chunks).toEqual(['a']);
  });

  it('that comes later fails the next request, once', async () => {
    const client = createClient(failing(20));
    expect((await client.get('/')).statusCode).toBe(200);
    await turns(40);
    await expect(client.get('/')).rejects.toBe(error);
    await expect(client.get('/')).resolves.toMatchObject({ statusCode: 200 });
  });

  it('that comes later fails the end of the client', async () => {
    const ask = async (): Promise<void> => {
      await using client = createClient(failing(20));
      await client.get('/');
      await turns(40);
    };
    await expect(ask()).rejects.toBe(error);
  });

  it('is thrown once to a test that reads', async () => {
    const client = createClient(failing(20));
    const response = await client.get('/');
    await expect(response.text()).rejects.toBe(error);
    await expect(client.close()).resolves.toBeUndefined();
  });
});

it('the end of a client is the departure from its open responses', async () => {
  let closes = 0;
  const application: Application = (_environ, startResponse) => {
    startResponse('200 OK', TEXT);
    const body = (function* () {
      for (;;) yield new Uint8Array(20_000);
    })();
    return Object.assign(body, { close: () => (closes += 1) });
  };
  await using client = createClient(application);
  await client.get('/');
  await client.get('/');
  expect(closes).toBe(0);
  await client.close();
  expect(closes).toBe(2);
});
