/** A head that is sent before the content keeps its octets. */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { atEnd, listen } from './site.ts';

const application: Application = async (_environ, startResponse) => {
  const write = startResponse('200 OK', [['X-Value', 'caf\xe9']]);
  await write(new Uint8Array(0));
  return [Buffer.from('late')];
};

async function fastifyServer(hijack: boolean) {
  const app = fastify();
  app.register(toFastify(application, { hijack }));
  await app.ready();
  return app.server;
}

describe('a head without content', () => {
  it.each([
    ['toNode', async () => createServer(toNode(application))],
    ['toExpress', async () => createServer(express().use(toExpress(application)))],
    ['toFastify', () => fastifyServer(false)],
    ['toFastify with hijack', () => fastifyServer(true)],
  ])('is sent in latin-1: %s', async (_name, makeServer) => {
    const { port } = await listen(await makeServer());
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    atEnd(() => socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await text(socket)).toContain(': caf\xe9\r\n');
  });
});
