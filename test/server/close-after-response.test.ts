/** `close()` after a response: a connection whose response is complete is idle, and no response in flight is cut. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import { createServer, type Server } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { listen } from '../bridges/site.ts';
import { get } from './support.ts';

type Answer = (response: ServerResponse, close: () => void) => unknown;

const ANSWERS: Readonly<Record<string, Answer>> = {
  'in the call': (response, close) => {
    response.end('done');
    close();
  },
  'after a promise': async (response, close) => {
    await Promise.resolve();
    response.end('done');
    close();
  },
  'in a later turn': (response, close) =>
    setTimeout(() => {
      response.end('done');
      close();
    }, 10),
  'after a piece': (response, close) => {
    response.write('do');
    setTimeout(() => {
      response.end('ne');
      close();
    }, 10);
  },
  "in 'finish'": (response, close) => response.on('finish', close).end('done'),
};

const PROGRAMS: Readonly<Record<string, (listener: RequestListener) => Application>> = {
  fromNode,
  fromExpress: (listener) =>
    fromExpress(
      express().use((request: IncomingMessage, response: ServerResponse) => void listener(request, response)),
    ),
};

/** Milliseconds from close() to its callback, and what the client got. */
async function closing(
  make: (close: () => void) => Application,
): Promise<{ passed: number; received: string }> {
  let server: Server | undefined;
  let passed = Number.NaN;
  const close = (): void => {
    const before = performance.now();
    server?.close(() => {
      passed = performance.now() - before;
    });
  };
  server = createServer(make(close));
  const site = await listen(server);
  const client = site.open();
  client.send(get('/'));
  const received = (await client.readRest()).toString('latin1');
  await expect.poll(() => passed).toBeGreaterThan(0);
  return { passed, received };
}

describe.each(Object.entries(PROGRAMS))('close() right after the response of %s', (_name, program) => {
  it.each(Object.entries(ANSWERS))('closes the connection: %s', async (_when, answer) => {
    const { passed, received } = await closing((close) =>
      program((_request, response) => void answer(response, close)),
    );
    expect(received).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(received.replaceAll(/\r\n\d\r\n|\r\n/g, '')).toMatch(/done/);
    expect(passed).toBeLessThan(2_000);
  });

  it('does not cut a large response in flight', async () => {
    const { received } = await closing((close) =>
      program((_request, response) => {
        setTimeout(() => {
          response.end(Buffer.alloc(20_000_000, 'x'));
          close();
        }, 10);
      }),
    );
    expect(received.split('\r\n\r\n')[1]).toHaveLength(20_000_000);
  });
});

it('closes the connection once on_finished of a gateway application has run', async () => {
  const { passed } = await closing((close) => async (environ, startResponse) => {
    environ['gateway.on_finished']?.(close);
    startResponse('200 OK', []);
    return ['done'];
  });
  expect(passed).toBeLessThan(2_000);
});

it('serves a request that runs when close() is called to its end', async () => {
  const server = createServer(async (_environ, startResponse) => {
    server.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    startResponse('200 OK', []);
    return ['done'];
  });
  const site = await listen(server);
  const client = site.open();
  client.send(get('/'));
  expect((await client.readResponse()).content.toString()).toBe('done');
  client.destroy();
});
