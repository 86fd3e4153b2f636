/**
 * A remembered string does not keep the string alive from which it was cut.
 *
 * In V8 a slice refers to its parent. If a program cuts a header value, a field name or a status out of a large text,
 * a cache that holds the slice would keep the whole text in memory.
 */
import { createServer as createHttpServer } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import { createServer } from '../../src/server/index.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';
import { listen, type Site } from '../bridges/site.ts';

const SIZE = 20_000_000;
const RESPONSES = 8;

const HOSTS: Readonly<Record<string, (application: Application) => Promise<Site>>> = {
  'the standalone server': (application) => listen(createServer(application)),
  toNode: (application) => listen(createHttpServer(toNode(application))),
  toExpress: (application) => listen(createHttpServer(express().use(toExpress(application)))),
  toFastify: async (application) => {
    const instance = fastify();
    await instance.register(toFastify(application));
    await instance.ready();
    return listen(instance.server);
  },
};

/** A head, one part cut out of a large text. */
interface Head {
  readonly status: string;
  readonly headers: HeaderList;
}

/** Heads by the part that is cut out of a large text. */
const HEADS: Readonly<Record<string, (count: number) => Head>> = {
  'a header value': (count) => ({
    status: '200 OK',
    headers: [[`X-Value-${count}`, cutOut(`value-number-${count}`)]],
  }),
  'a header value that repeats its name': (count) => ({
    status: '200 OK',
    headers: [['X-Value', cutOut(`value-number-${count}`)]],
  }),
  'a field name': (count) => ({ status: '200 OK', headers: [[cutOut(`X-Name-Number-${count}`), 'value']] }),
  'a status': (count) => ({ status: cutOut(`200 Fine-Response-Number-${count}`), headers: [] }),
};

const PROGRAMS: Readonly<Record<string, (head: () => Head) => Application>> = {
  'an application': (head) => (_environ, startResponse) => {
    const { status, headers } = head();
    startResponse(status, [...headers]);
    return ['x'];
  },
  'a wrapped listener': (head) =>
    fromNode((_request, response) => {
      const { status, headers } = head();
      response.statusCode = 200;
      response.statusMessage = status.slice(4);
      for (const [name, value] of headers) response.setHeader(name, value);
      response.end('x');
    }),
};

describe.each(Object.entries(HOSTS))('%s', (_host, serve) => {
  describe.each(Object.entries(PROGRAMS))('with %s', (_program, program) => {
    it.each(Object.entries(HEADS))(
      'keeps no large text because of %s that was cut out of it',
      async (_part, head) => {
        let count = 0;
        const site = await serve(
          program(() => {
            count += 1;
            return head(count);
          }),
        );
        const before = memoryUsed();
        // Each on its own connection, which stays open.
        for (let request = 0; request < RESPONSES; request += 1) await site.fetch('/');
        expect(count).toBe(RESPONSES);
        // The last exchange may not be over yet.
        await vi.waitFor(() => expect(memoryUsed() - before).toBeLessThan(SIZE / 2), { timeout: 5000 });
      },
    );
  });
});

/** Returns the text as a slice of a large one; of 30 characters, because V8 copies slices of less than 13. */
function cutOut(text: string): string {
  const large = Buffer.alloc(SIZE, `${text.padEnd(30, '-')}`).toString('latin1');
  return large.slice(0, 30);
}

/** Octets in use after a collection. Node keeps the octets of a large string outside the heap. */
function memoryUsed(): number {
  // V8 keeps the last matched text (RegExp.input).
  /a/.test('a');
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
