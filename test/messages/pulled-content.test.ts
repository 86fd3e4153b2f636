/** The content of a wrapped program is the body that it returns: a gateway pulls it, and so holds the program back. */
import type { RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { createGzip, gunzipSync } from 'node:zlib';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import { createServer } from '../../src/server/index.ts';
import { buildEnviron, createClient, runApp } from '../../src/testing/index.ts';
import type { ApplicationFunction, Body, Environ } from '../../src/wsgi.ts';
import { listen } from '../bridges/site.ts';
import { until } from './side-by-side.ts';

type Program = (listener: RequestListener) => ApplicationFunction;

/** The same listener as a program of three kinds. */
const PROGRAMS: Readonly<Record<string, Program>> = {
  fromNode: (listener) => fromNode(listener),
  fromExpress(listener) {
    return fromExpress(express().use((req, res) => void listener(req, res)));
  },
  fromFastify(listener) {
    const instance = fastify();
    instance.all('/*', (request, reply) => {
      reply.hijack();
      listener(request.raw, reply.raw);
    });
    return fromFastify(instance);
  },
};

/** Calls an application without any gateway: PEP 3333's keys only, unless `keys` has more. */
async function call(
  application: ApplicationFunction,
  keys: Record<string, unknown> = {},
): Promise<{ body: Body; written: Uint8Array[]; iterator: AsyncIterator<Uint8Array> }> {
  const written: Uint8Array[] = [];
  const environ: Environ = Object.assign(buildEnviron('/'), keys);
  for (const key of Object.keys(environ))
    if (key.startsWith('gateway.') && !(key in keys)) delete environ[key];
  const body = await application(environ, () => async (chunk) => {
    written.push(chunk as Uint8Array);
  });
  // Wrapped programs that do not answer at once give asynchronous iterables of octets.
  const iterator = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  return { body, written, iterator };
}

const text = (step: IteratorResult<Uint8Array>): string => Buffer.from(step.value ?? []).toString();

describe.each(Object.entries(PROGRAMS))('the content of %s', (_name, program) => {
  it('is stepped through in process, with backpressure, and ended', async () => {
    const trail: string[] = [];
    let events = 0;
    const application = program((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      const send = (): void => {
        while (!res.destroyed) {
          events += 1;
          if (!res.write(`data: ${'x'.repeat(1000)} ${events}\n\n`)) break;
        }
      };
      res.on('drain', send).on('finish', () => trail.push('finish'));
      res.on('close', () => trail.push('close'));
      send();
    });
    const { headers, body } = await runApp(application, buildEnviron('/'));
    expect(headers.get('Content-Type')).toBe('text/event-stream');
    let count = 0;
    for await (const chunk of body) {
      // Node 26 joins the events of one tick to one chunk.
      for (const event of Buffer.from(chunk).toString().split('\n\n').slice(0, -1)) {
        count += 1;
        expect(event).toBe(`data: ${'x'.repeat(1000)} ${count}`);
      }
      // 64 KiB are the most that a socket of node buffers, and some events more may be under way.
      expect(events - count).toBeLessThan(100);
      if (count >= 500) break;
    }
    await until(() => trail.includes('close'));
    expect(trail).toEqual(['close']);
    const sent = events;
    await turn();
    expect(events).toBe(sent);
  });

  it('passes through middleware that transforms bodies', async () => {
    const text = Array.from({ length: 500 }, (_, index) => `line ${index}\n`);
    const application = program((_req, res) => {
      Readable.from(text).pipe(res);
    });
    const { body } = await createClient(gzip(application)).get('/');
    expect(gunzipSync(await body.bytes()).toString()).toBe(text.join(''));
    const site = await listen(createServer(gzip(application)));
    const { content } = await site.fetch('/');
    expect(gunzipSync(content).toString()).toBe(text.join(''));
  });

  it('keeps each write one chunk', async () => {
    const application = program((_req, res) => {
      res.write('a');
      res.write(Buffer.from('bc'));
      setImmediate(() => {
        res.write('d');
        res.end('e');
      });
    });
    const chunks: string[] = [];
    const { body } = await call(application);
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk).toString());
    // Node 26 joins the writes of one tick itself, and ends a chunk with each tick.
    const isJoined = Number(process.versions.node.split('.', 1)[0]) >= 26;
    expect(chunks).toEqual(isJoined ? ['abc', 'de'] : ['a', 'bc', 'd', 'e']);
  });

  it('sends the head by write with an empty chunk, and nothing else by write', async () => {
    const application = program((_req, res) => {
      res.flushHeaders();
      setTimeout(() => res.end('x'), 5);
    });
    const { written, iterator } = await call(application);
    expect(written.map(({ length }) => length)).toEqual([0]);
    expect(text(await iterator.next())).toBe('x');
    expect((await iterator.next()).done).toBe(true);
    expect(written).toHaveLength(1);
  });

  it('holds an endless pipe back while nobody asks', async () => {
    let produced = 0;
    const application = program((_req, res) => {
      const source = new Readable({
        read() {
          produced += 65_536;
          this.push(Buffer.alloc(65_536));
        },
      });
      source.pipe(res);
    });
    const { body } = await call(application);
    for (let count = 0; count < 200; count += 1) await turn();
    expect(produced).toBeLessThan(1_000_000);
    await body.close?.();
  });
});

describe('the end of an iteration', () => {
  const ENDS: Readonly<Record<string, (body: Body, iterator: AsyncIterator<Uint8Array>) => unknown>> = {
    'return()': (_body, iterator) => iterator.return?.(),
    'throw()': (_body, iterator) => iterator.throw?.(new Error('over')).catch(() => {}),
    'close()': (body) => body.close?.(),
  };

  it.each(Object.entries(ENDS))(
    'by %s is the departure of the client while content is owed',
    async (_name, end) => {
      const trail: string[] = [];
      const application = fromNode((_req, res) => {
        res.on('close', () => trail.push('close')).on('finish', () => trail.push('finish'));
        res.write('a', (error) => trail.push(error == null ? 'taken' : 'failed'));
      });
      const { body, iterator } = await call(application);
      expect(text(await iterator.next())).toBe('a');
      await end(body, iterator);
      await until(() => trail.includes('close'));
      expect(trail.sort()).toEqual(['close', 'failed']);
    },
  );

  it.each(Object.entries(ENDS))(
    'by %s is none once all of a declared length was taken',
    async (_name, end) => {
      const trail: string[] = [];
      const application = fromNode((_req, res) => {
        res.on('close', () => trail.push('close')).on('finish', () => trail.push('finish'));
        res.setHeader('Content-Length', 1);
        res.write('a');
        setTimeout(() => res.end(), 20);
      });
      const { body, iterator } = await call(application);
      await iterator.next();
      await end(body, iterator);
      await until(() => trail.includes('close'));
      expect(trail).toEqual(['finish', 'close']);
    },
  );

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('is none for a response without content: %s, %i', async (method, status) => {
    const trail: string[] = [];
    const application = fromNode((_req, res) => {
      res.on('close', () => trail.push('close')).on('finish', () => trail.push('finish'));
      res.writeHead(status).flushHeaders();
      setTimeout(() => {
        trail.push(`${res.write('after')}`);
        res.end();
      }, 20);
    });
    const { body } = await call(application, { REQUEST_METHOD: method });
    await body.close?.();
    await until(() => trail.includes('close'));
    expect(trail).toEqual(['true', 'finish', 'close']);
  });

  it('without close() is the end of the response too', async () => {
    const trail: string[] = [];
    const application = fromNode((_req, res) => {
      res.on('finish', () => trail.push('finish')).on('close', () => trail.push('close'));
      res.write('a');
      setTimeout(() => res.end('b'), 5);
    });
    const { body } = await call(application);
    const chunks: string[] = [];
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk).toString());
    expect(chunks).toEqual(['a', 'b']);
    await until(() => trail.includes('close'));
    expect(trail).toEqual(['finish', 'close']);
  });

  it('gives steps in order to a consumer that does not wait', async () => {
    const application = fromNode((_req, res) => {
      res.write('a');
      setTimeout(() => res.write('b'), 5);
      setTimeout(() => res.end('c'), 10);
    });
    const { iterator } = await call(application);
    const steps = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
    expect(steps.map(text)).toEqual(['a', 'b', 'c', '']);
    expect(steps.at(-1)?.done).toBe(true);
  });
});

it('calls the callback of each write back once its piece was taken, though others wait', async () => {
  const trail: string[] = [];
  const application = fromNode((_req, res) => {
    res.setHeader('Content-Length', 3);
    for (const piece of ['a', 'b', 'c']) res.write(piece, () => trail.push(piece));
    setTimeout(() => res.end(), 20);
  });
  const { iterator } = await call(application);
  for (const [index, piece] of ['a', 'b', 'c'].entries()) {
    expect(text(await iterator.next())).toBe(piece);
    await turn();
    expect(trail).toEqual(['a', 'b', 'c'].slice(0, index));
  }
  expect((await iterator.next()).done).toBe(true);
  // If the program had ended before, its callbacks come with its end.
  await turn();
  expect(trail).toEqual(['a', 'b', 'c']);
});

it('gives nothing after the end of an iteration, though content is left', async () => {
  const application = fromNode((_req, res) => {
    res.write('a');
    setTimeout(() => res.write('b'), 5);
  });
  const { iterator } = await call(application);
  await iterator.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const ended = iterator.return?.();
  expect((await iterator.next()).done).toBe(true);
  await ended;
});

describe('a queue behind a client that does not read', () => {
  /** Gives the CPU time, in microseconds, of a program that writes so many events, one a tick. */
  async function cost(events: number): Promise<number> {
    let report = (_spent: number): void => {};
    const reported = new Promise<number>((resolve) => {
      report = resolve;
    });
    const before = process.cpuUsage();
    const application = fromNode(async (_req, res) => {
      for (let count = 0; count < events; count += 1) {
        res.write('x'.repeat(1000));
        await new Promise((resolve) => process.nextTick(resolve));
      }
      const { user, system } = process.cpuUsage(before);
      report(user + system);
    });
    const site = await listen(createServer(application));
    const client = site.open();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const spent = await reported;
    client.destroy();
    return spent;
  }

  it('costs the same for each event, however long it is', { timeout: 60_000 }, async () => {
    await cost(2_000);
    const few = await cost(5_000);
    const many = await cost(50_000);
    // A list that is searched for each event would make it a hundred times.
    expect(many / few).toBeLessThan(30);
  });
});

/** Compresses a body as an application's middleware would: by its iterable alone. */
function gzip(application: ApplicationFunction): ApplicationFunction {
  return async (environ, startResponse) => {
    const body = await application(environ, (status, headers, excInfo) =>
      startResponse(
        status,
        [
          ...headers.filter(([name]) => name.toLowerCase() !== 'content-length'),
          ['Content-Encoding', 'gzip'],
        ],
        excInfo,
      ),
    );
    return Object.assign(Readable.from(body).pipe(createGzip()), { close: () => body.close?.() });
  };
}
