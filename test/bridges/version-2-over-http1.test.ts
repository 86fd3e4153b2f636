/** A request line may say HTTP/2.0 to node:http: the messages are those of HTTP/1 all the same. */
import { createServer } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { listen, type Site } from './site.ts';

const HOSTS: Readonly<Record<string, (application: Application) => Promise<Site>>> = {
  toNode: (application) => listen(createServer(toNode(application))),
  toExpress: (application) => listen(createServer(express().use(toExpress(application)))),
  toFastify: (application) => mountInFastify(application, false),
  'toFastify with hijack': (application) => mountInFastify(application, true),
};

async function mountInFastify(application: Application, hijack: boolean): Promise<Site> {
  const instance = fastify();
  await instance.register(toFastify(application, { hijack }));
  await instance.ready();
  return listen(instance.server);
}

const APPLICATIONS: Readonly<Record<string, Application>> = {
  'a synchronous application': (_environ, startResponse) => {
    startResponse('200 OK', []);
    return ['hello'];
  },
  'an asynchronous application': async (environ, startResponse) => {
    await environ['wsgi.input'].read();
    startResponse('200 OK', []);
    return ['hello'];
  },
  'a wrapped listener that answers late': fromNode((_request, response) => {
    setTimeout(() => response.end('hello'), 5);
  }),
};

describe.each(Object.entries(HOSTS))('%s', (_host, serve) => {
  it.each(Object.entries(APPLICATIONS))(
    'answers a request of HTTP/2.0 over HTTP/1: %s',
    async (_name, application) => {
      const site = await serve(application);
      const client = site.open();
      client.send('GET / HTTP/2.0\r\nHost: a\r\nConnection: close\r\n\r\n');
      const { statusCode, content } = await client.readResponse();
      expect([statusCode, content.toString()]).toEqual([200, 'hello']);
      expect((await site.fetch('/')).statusCode).toBe(200);
    },
  );
});
