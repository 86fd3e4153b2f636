/**
 * Wrapped programs inside of middleware: each chunk leaves in the tick that writes it, without a promise, as without middleware
 * (src/gateway/pump-body.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { READY } from '../../src/gateway/body-reader.ts';
import { toApplication } from '../../src/index.ts';
import { cascade, compress, type Middleware, timeout } from '../../src/middleware/index.ts';
import { RecordingSink, record } from '../support/recording-sink.ts';
import { LAYERS, notFound } from './layers.ts';

type Program = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Runs a program within a layer. */
async function run(layer: Middleware, program: Program, sink = new RecordingSink()) {
  const { done, log } = record(
    layer(fromNode((request, response) => void program(request, response))),
    { rawHeaders: ['Host', 'localhost'] },
    { sink },
  );
  await done;
  return { sink, log };
}

const { 'all of them': _, ...SINGLE } = LAYERS;

const CASES: Readonly<Record<string, Middleware>> = {
  ...SINGLE,
  // One that begins its response while its body is iterated would make the others wait for promises.
  cascade: (application) => cascade([notFound, application]),
  'no layer': (application) => toApplication(application),
};

describe.each(Object.entries(CASES))('%s', (_name, layer) => {
  it('lets a chunk out in the tick that writes it', async () => {
    const sink = new RecordingSink();
    const seen: string[] = [];
    await run(
      layer,
      (_request, response) => {
        response.setHeader('Content-Type', 'text/plain');
        response.write('one ');
        setTimeout(() => {
          response.write('two ');
          // Before any reaction to a promise.
          process.nextTick(() => {
            seen.push(sink.content);
            response.end('three');
          });
        }, 20);
      },
      sink,
    );
    expect(seen).toEqual(['one two ']);
    expect(sink.content).toBe('one two three');
  });
});

describe('timeout', () => {
  const stalling =
    (...chunks: string[]): Program =>
    (_request, response) => {
      response.on('close', () => {
        closed.push(response.writableFinished);
      });
      for (const chunk of chunks) response.write(chunk);
    };
  const closed: boolean[] = [];

  it('cuts off a program that stops in the middle, and tells it', async () => {
    const { sink, log } = await run(timeout({ chunk: 20 }), stalling('begun'));
    expect(sink.events.map(([kind]) => kind)).toEqual(['head', 'write', 'abort']);
    expect(sink.content).toBe('begun');
    expect(log).toEqual([expect.stringContaining('Application gave no content for 20 ms')]);
    await expect.poll(() => closed).toEqual([false]);
  });

  it('answers for a program that has only sent its head', async () => {
    const flushing: Program = (_request, response) => void response.flushHeaders();
    const { sink } = await run(timeout({ response: 20, chunk: 20 }), flushing);
    expect(sink.events.at(-1)?.[0]).toBe('abort');
  });

  it('times each chunk anew, and takes a chunk that comes too late for none', async () => {
    const { sink } = await run(timeout({ chunk: 60 }), async (_request, response) => {
      for (const chunk of ['a', 'b', 'c', 'd']) {
        response.write(chunk);
        await delay(25);
      }
      response.end();
    });
    expect(sink.events.at(-1)).toEqual(['end', '']);
    const late = await run(timeout({ chunk: 20 }), async (_request, response) => {
      response.write('a');
      await delay(60);
      response.end('late');
    });
    expect(late.sink.content).toBe('a');
  });

  it('logs what a program throws once its time is up', async () => {
    const { log } = await run(timeout({ chunk: 20 }), (_request, response) => {
      response.write('a');
      response.on('close', () => {});
    });
    expect(log).toHaveLength(1);
  });
});

it('compress takes ready steps, and asks for a promise only where there is none', async () => {
  const chunks = ['one ', 'two ', 'three'].values();
  let asked = 0;
  const steps = {
    async next() {
      asked += 1;
      return { done: true as const, value: undefined };
    },
    [READY]() {
      const step = chunks.next();
      return step.done ? undefined : step;
    },
  };
  const { done, sink } = record(
    compress({ threshold: 0 })((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return { [Symbol.asyncIterator]: () => steps };
    }),
    { rawHeaders: ['Host', 'a', 'Accept-Encoding', 'gzip'] },
  );
  await done;
  expect(sink.head?.headers).toContainEqual(['Content-Encoding', 'gzip']);
  expect([asked, [...chunks]]).toEqual([1, []]);
});
