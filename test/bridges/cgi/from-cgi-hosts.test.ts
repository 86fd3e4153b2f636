/** A CGI program on every host: it streams in both directions, and ends when the client leaves. */
import { once } from 'node:events';
import { createServer as createHttpServer, request } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import express from 'express';
import fastify, { type FastifyPluginAsync } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { fromCgi } from '../../../bridges/cgi/index.ts';
import { toExpress } from '../../../bridges/express/index.ts';
import { toFastify } from '../../../bridges/fastify/index.ts';
import { toNode } from '../../../bridges/node/index.ts';
import type { Application } from '../../../src/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { validate } from '../../../src/validate/index.ts';
import { createMark, until, zombies } from './processes.ts';
import { program } from './programs.ts';

const closers: (() => unknown)[] = [];
let log = '';

afterEach(async () => {
  expect(log).toBe('');
  for (const close of closers.splice(0)) await close();
});

const write = (line: string): void => {
  log += line;
};
const environ = { 'wsgi.errors': { write, writelines() {}, flush() {} } };

async function listen(server: Server): Promise<number> {
  closers.push(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

const inFastify = (hijack: boolean) => async (application: Application) => {
  const instance = fastify({ forceCloseConnections: true });
  // Our types do not depend on Fastify's, and so do not match its overloads.
  const plugin = toFastify(application, { environ, hijack }) as unknown as FastifyPluginAsync;
  instance.register(plugin, { prefix: '/m' });
  closers.push(() => instance.close());
  await instance.listen({ port: 0, host: '127.0.0.1' });
  return (instance.server.address() as AddressInfo).port;
};

const HOSTS: Readonly<Record<string, (application: Application) => Promise<number>>> = {
  'the server': (application) => listen(createServer(application, { environ })),
  toNode: (application) => listen(createHttpServer(toNode(application, { environ }))),
  toExpress: (application) =>
    listen(createHttpServer(express().use('/m', toExpress(application, { environ })))),
  toFastify: inFastify(false),
  'toFastify with hijack': inFastify(true),
};

/** Answers at once, echoes its content, and stays if it is asked to. */
const SOURCE = `case "$PATH_INFO" in
  *before) sleep 60 ;;
  *middle) printf "Content-Type: a/b\\n\\nbegun"; sleep 60 & wait ;;
  *endless) printf "Content-Type: a/b\\n\\n"; yes ;;
  *) printf "Content-Type: a/b\\n\\nbegun "; cat ;;
esac`;

describe.each(Object.entries(HOSTS))('fromCgi on %s', (_name, serve) => {
  it('answers while it reads', async () => {
    const port = await serve(validate(fromCgi(program('hosts', SOURCE), { unknownLength: 'stream' })));
    const upload = request({ port, path: '/m/echo', method: 'PUT', agent: false });
    upload.write('first ');
    const [response] = await once(upload, 'response');
    let seen = '';
    for await (const piece of response.setEncoding('utf8')) {
      seen += piece;
      if (seen === 'begun first ') upload.end('last');
    }
    expect(seen).toBe('begun first last');
  });

  it.each(['before', 'middle', 'endless'])('ends when the client leaves: %s', async (path) => {
    const mark = createMark();
    const port = await serve(validate(fromCgi(program('hosts', SOURCE), { env: mark.env })));
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET /m/${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(await until(() => mark.count() > 0)).toBe(true);
    if (path !== 'before') await once(socket, 'data');
    socket.destroy();
    expect(await until(() => mark.count() + zombies() === 0)).toBe(true);
  });
});

it('fromCgi on toNode over HTTP/2 streams, and ends when a stream is cancelled', async () => {
  const mark = createMark();
  const listener = toNode(validate(fromCgi(program('hosts', SOURCE), { env: mark.env })), { environ });
  const server = createHttp2Server((incoming, outgoing) => listener(incoming, outgoing));
  const port = await listen(server);
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  closers.unshift(() => client.destroy());
  const upload = client.request({ ':path': '/m/echo', ':method': 'PUT' });
  upload.end('first last');
  expect(await text(upload)).toBe('begun first last');
  const stream = client.request({ ':path': '/m/middle' });
  await once(stream, 'response');
  expect(mark.count()).toBeGreaterThan(0);
  stream.close();
  expect(await until(() => mark.count() === 0)).toBe(true);
});
