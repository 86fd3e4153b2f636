import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { fromNode, type RequestHandler, toNode } from '../../bridges/node/index.ts';
import { DisconnectError } from '../../src/errors.ts';
import { createServer as createGatewayServer } from '../../src/server/index.ts';
import type { ApplicationFunction } from '../../src/wsgi.ts';
import { atEnd, formatRequest, listen, type Site, siteOf } from './site.ts';

async function listenWithFastify(application: ApplicationFunction, hijack: boolean): Promise<Site> {
  const app = fastify({ forceCloseConnections: true });
  app.register(toFastify(application, { hijack }));
  await app.listen({ port: 0, host: '127.0.0.1' });
  atEnd(() => app.close());
  return siteOf(app.server);
}

const hosts: Record<string, (application: ApplicationFunction) => Promise<Site>> = {
  'the standalone server': (application) => listen(createGatewayServer(application)),
  toNode: (application) => listen(createServer(toNode(application))),
  toExpress: (application) => listen(createServer(express().use(toExpress(application)))),
  toFastify: (application) => listenWithFastify(application, false),
  'toFastify with hijack': (application) => listenWithFastify(application, true),
};

/** Ways of a program to refuse an answer: node closes the connection. */
const programs: Record<string, RequestHandler> = {
  'destroys the response': (_request, response) => response.destroy(),
  'destroys the response later': (_request, response) => setTimeout(() => response.destroy(), 5),
  'destroys the request': (request) => request.destroy(),
  'destroys the socket': (request) => request.socket.destroy(),
  'lets a time-out pass': (_request, response: ServerResponse) => response.setTimeout(5),
};

describe.each(Object.keys(hosts))('%s', (host) => {
  it.each(Object.keys(programs))('closes the connection when a program %s', async (program) => {
    const run = programs[program] ?? (() => {});
    const site = await hosts[host]?.(fromNode(run));
    const client = site?.open();
    client?.send(formatRequest('/'));
    expect(await client?.farewell()).toBe('end');
    expect((await client?.readRest())?.length).toBe(0);
  });
});

describe.each(Object.keys(hosts))('%s, with pipelined requests', (host) => {
  it.each(['destroy', 'reset'] as const)('ends every request when the client leaves by %s', async (how) => {
    const ended: string[] = [];
    const log: string[] = [];
    let started = 0;
    let release = (): void => {};
    // Keeps every response incomplete until the client has left.
    const left = new Promise<void>((resolve) => {
      release = resolve;
    });
    const site = await hosts[host]?.((environ, startResponse) => {
      const path = environ.PATH_INFO;
      const onFinished = environ['gateway.on_finished'] as (callback: (...args: unknown[]) => void) => void;
      onFinished((...[, , , error]) => log.push(`${path} ${error instanceof DisconnectError}`));
      started += 1;
      startResponse('200 OK', []);
      const body = (async function* () {
        yield Buffer.from('a');
        await left;
        // A client that closed both halves answers the first write with a reset.
        yield Buffer.from('b');
        await delay(50);
        yield Buffer.from('c');
      })();
      return Object.assign(body, { close: () => ended.push(path) });
    });
    const client = site?.open();
    const paths = Array.from({ length: 15 }, (_, index) => `/${index}`);
    client?.send(Buffer.concat(paths.map((path) => formatRequest(path))));
    await vi.waitFor(() => expect(started).toBeGreaterThan(0));
    await delay(10);
    client?.[how]();
    await delay(50);
    release();
    await vi.waitFor(() => expect(ended).toHaveLength(started));
    await vi.waitFor(() => expect(log).toHaveLength(started));
    expect(log.filter((line) => line.endsWith(' true')).length).toBeGreaterThan(0);
  });
});
