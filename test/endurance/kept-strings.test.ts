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

const SIZE = 6_000_000;
/** Few, because the gateway remembers 64 statuses, and each test needs statuses that it does not remember yet. */
const RESPONSES = 4;

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

/**
 * Heads by the part that is cut out of a large text.
 *
 * The caches outlive a test: a name or a status that another test has sent would be remembered from there. A value is
 * no longer remembered once a name has had many. So every test has names and texts of its own.
 */
const HEADS: Readonly<Record<string, (test: string, count: number) => Head>> = {
  'a header value': (test, count) => ({
    status: '200 OK',
    headers: [[`X-Value-${count}-${test}`, cutOut(`value-${count}-${test}`)]],
  }),
  'a header value that changes': (test, count) => ({
    status: '200 OK',
    headers: [[`X-Changes-${test}`, cutOut(`value-${count}-${test}`)]],
  }),
  'a header value that is repeated': (test) => ({
    status: '200 OK',
    headers: [[`X-Same-${test}`, cutOut(`value-${test}`)]],
  }),
  'a field name': (test, count) => ({
    status: '200 OK',
    headers: [[cutOut(`X-Name-${count}-${test}`), 'value']],
  }),
  'a status': (test, count) => ({ status: cutOut(`200 Fine-${count}-${test}`), headers: [] }),
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

describe.each(Object.entries(HOSTS))('%s', (host, serve) => {
  describe.each(Object.entries(PROGRAMS))('with %s', (program, serveHead) => {
    const test = `${host} with ${program}`.replaceAll(' ', '-');

    it.each(Object.entries(HEADS))(
      'keeps no large text because of %s that was cut out of it',
      async (_part, head) => {
        let count = 0;
        const site = await serve(
          serveHead(() => {
            count += 1;
            return head(test, count);
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

/** Returns the text as a slice of a large one. It has at least 13 characters, because V8 copies shorter slices. */
function cutOut(text: string): string {
  const large = Buffer.alloc(SIZE, text).toString('latin1');
  return large.slice(0, text.length);
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
