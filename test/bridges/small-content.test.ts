/** Small content leaves with its head in one write, octet by octet as the application gave it. */
import { createServer, type Server } from 'node:http';
import { Socket } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import { fieldValues } from '../../src/conformance/wire-client.ts';
import type { ApplicationFunction } from '../../src/wsgi.ts';
import { atEnd, formatRequest, listen } from './site.ts';

/** All octets, again and again. */
const octets = (size: number): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, index) => 255 - (index % 256)));

async function inFastify(application: ApplicationFunction, hijack = false): Promise<Server> {
  const app = fastify();
  await app.register(toFastify(application, { hijack }));
  await app.ready();
  atEnd(() => app.close());
  return app.server;
}

const HOSTS: Readonly<Record<string, (application: ApplicationFunction) => Server | Promise<Server>>> = {
  toNode: (application) => createServer(toNode(application)),
  toExpress: (application) => createServer(express().use(toExpress(application))),
  'toFastify with hijack': (application) => inFastify(application, true),
  // Its hooks get the content as a Buffer, so that it leaves as one.
  toFastify: inFastify,
};

describe.each(Object.keys(HOSTS))('%s', (host) => {
  it.each([0, 1, 256, 2048, 2049, 20_000])('gives %i octets', async (size) => {
    const memory = octets(size);
    const application: ApplicationFunction = (environ, startResponse) => {
      // The memory is the application's again once the request is over.
      environ['gateway.on_finished']?.(() => {
        memory.fill(0);
      });
      startResponse('200 OK', [['X-Octet', '\xe9']]);
      return [memory];
    };
    const site = await listen(await (HOSTS[host] ?? raise)(application));
    const client = site.open();
    client.send(formatRequest('/'));
    const response = await client.readResponse();
    expect(response.content).toEqual(octets(size));
    expect(fieldValues(response, 'x-octet')).toEqual(['\xe9']);
  });
});

describe.each(Object.keys(HOSTS).filter((host) => host !== 'toFastify'))('%s', (host) => {
  it.each([1, 2048])('writes %i octets together with their head', async (size) => {
    const site = await listen(
      await (HOSTS[host] ?? raise)((_environ, startResponse) => {
        startResponse('200 OK', []);
        return [octets(size)];
      }),
    );
    const client = site.open();
    client.send(formatRequest('/'));
    await client.readResponse();
    // Not among the types of a socket. Each version of Node calls one of them.
    const prototype = Socket.prototype as unknown as {
      _write(chunk: string | Buffer): void;
      _writev(chunks: { chunk: string | Buffer }[]): void;
    };
    const writev = vi.spyOn(prototype, '_writev');
    const write = vi.spyOn(prototype, '_write');
    try {
      client.send(formatRequest('/'));
      await client.readResponse();
      const chunks = [
        ...writev.mock.calls.flatMap(([pieces]) => pieces.map(({ chunk }) => chunk)),
        ...write.mock.calls.map(([chunk]) => chunk),
      ];
      // The request of the client is a Buffer. An empty piece carries node's callback.
      const answers = chunks.filter((chunk) => typeof chunk === 'string' && chunk !== '');
      expect(answers).toHaveLength(1);
      expect(answers[0]).toHaveLength(String(answers[0]).indexOf('\r\n\r\n') + 4 + size);
    } finally {
      writev.mockRestore();
      write.mockRestore();
    }
  });
});

function raise(): never {
  throw new TypeError('No such host');
}
