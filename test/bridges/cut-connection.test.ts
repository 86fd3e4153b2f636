import { createServer, type ServerResponse } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { fromNode, type RequestHandler, toNode } from '../../bridges/node/index.ts';
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

/** What programs do that do not want to answer: node closes the connection. */
const programs: Record<string, RequestHandler> = {
  'destroys the response': (_request, response) => response.destroy(),
  'destroys the response later': (_request, response) => setTimeout(() => response.destroy(), 5),
  'destroys the request': (request) => request.destroy(),
  'destroys the socket': (request) => request.socket.destroy(),
  'lets a time-out pass': (_request, response: ServerResponse) => response.setTimeout(5),
};

describe.each(Object.keys(hosts))('%s', (host) => {
  it.each(Object.keys(programs))('closes the connection where a program %s', async (program) => {
    const run = programs[program] ?? (() => {});
    const site = await hosts[host]?.(fromNode(run));
    const client = site?.open();
    client?.send(formatRequest('/'));
    expect(await client?.farewell()).toBe('end');
    expect((await client?.readRest())?.length).toBe(0);
  });
});
