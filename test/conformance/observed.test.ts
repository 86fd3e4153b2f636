/** The audits hold while somebody subscribes to requests, and each request is published to its end. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import { observe } from '../../src/server/index.ts';
import type { Environ } from '../../src/wsgi.ts';
import { auditHost } from './conformance.ts';
import { fastifyPrefixed, standalone } from './hosts.ts';

const open = new Set<Environ>();
let count = 0;
const wrong: string[] = [];
const stops: (() => void)[] = [];

beforeAll(() => {
  stops.push(
    observe('gatebridge.request.start', ({ environ }) => {
      count += 1;
      open.add(environ);
    }),
    observe('gatebridge.request.head', ({ environ }) => {
      if (!open.has(environ)) wrong.push(`head of ${environ.REQUEST_URI}`);
    }),
    observe('gatebridge.request.error', ({ environ }) => {
      if (!open.has(environ)) wrong.push(`error of ${environ.REQUEST_URI}`);
    }),
    observe('gatebridge.request.finish', ({ environ }) => {
      if (!open.delete(environ)) wrong.push(`finish of ${environ.REQUEST_URI}`);
    }),
  );
});

// The hosts of node's messages publish as toFastify does, in runApplication; the tour has it too.
auditHost(standalone);
if (process.env.TOUR !== undefined) auditHost(fastifyPrefixed);

afterAll(async () => {
  await delay(500);
  for (const stop of stops) stop();
  expect(wrong).toEqual([]);
  expect(count).toBeGreaterThan(300);
  expect([...open].map((environ) => environ.REQUEST_URI)).toEqual([]);
});
