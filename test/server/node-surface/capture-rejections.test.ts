/** Listeners whose promises are rejected, with `events.captureRejections`, on node:http and on ours, plain and over TLS. */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createNodeServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, type Server as NetServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromNode } from '../../../bridges/node/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { MemoryErrors } from '../../../src/testing/index.ts';

const folder = new URL('../../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};

beforeAll(() => {
  EventEmitter.captureRejections = true;
});
afterAll(() => {
  EventEmitter.captureRejections = false;
});

const PROGRAMS: Record<string, RequestListener> = {
  async 'before the head'() {
    await delay(5);
    throw new Error('before');
  },
  async 'after the head'(_req, res) {
    res.setHeader('X-A', '1');
    res.write('begun');
    await delay(30);
    throw new Error('after');
  },
  async 'after the head, with a length'(_req, res) {
    res.writeHead(200, { 'Content-Length': 100 }).write('begun');
    await delay(30);
    throw new Error('after');
  },
  async 'after the end'(_req, res) {
    res.end('all');
    await delay(30);
    throw new Error('after');
  },
};

const environ = { 'wsgi.errors': new MemoryErrors() };
const SERVERS: Record<string, (listener: RequestListener) => NetServer> = {
  'a wrapped program': (listener) => createServer(fromNode(listener), { environ }),
  'a wrapped program over TLS': (listener) => createServer(fromNode(listener), { environ, tls }),
  'a listener': (listener) =>
    listening(
      createServer(() => [], { environ }),
      listener,
    ),
  'a listener over TLS': (listener) =>
    listening(
      createServer(() => [], { environ, tls }),
      listener,
    ),
};

function listening(server: NetServer, listener: RequestListener): NetServer {
  return server.removeAllListeners('request').on('request', listener);
}

/** Gives what a client gets, with the end of the connection. */
async function visit(server: NetServer, isSecure: boolean): Promise<string> {
  const errors: unknown[] = [];
  server.on('error', (error) => errors.push(error));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  const client: Socket = isSecure ? connectTls({ port, rejectUnauthorized: false }) : connect(port);
  let text = '';
  client.on('error', () => {});
  client.on('data', (octets) => {
    text += octets;
  });
  let isClosed = false;
  client.on('close', () => {
    isClosed = true;
    text += ' closed';
  });
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  // Some of the connections are kept.
  for (let silence = 0, length = 0; silence < 300 && !isClosed; silence += 20) {
    await delay(20);
    if (text.length !== length || text === '') silence = 0;
    length = text.length;
  }
  client.destroy();
  server.close();
  expect(errors).toEqual([]);
  return text.replace(/^(Date|Content-Type|Content-Length): .*\r\n/gm, '').trim();
}

describe.each(Object.entries(PROGRAMS))('a promise that is rejected %s', (_moment, program) => {
  it.each(Object.entries(SERVERS))('is 500, or cuts the response: %s', async (name, make) => {
    const onNode = await visit(createNodeServer(program), false);
    // node:https leaves its client waiting, and emits 'error'.
    const ours = await visit(make(program), name.includes('TLS'));
    expect(ours.replace('Error\n', 'Error')).toBe(onNode);
  });
});
