/** Programs and listeners behind a PROXY protocol header: all see the client, as if it had connected itself. */
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import express from 'express';
import Fastify from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import { compose, trustedProxy } from '../../src/middleware/index.ts';
import { createServer, type Server } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { FROM_IPV4, FROM_IPV6, header, ssl, tlv } from '../support/proxy-header.ts';
import { BINARY, collect, GET, TEXT, tell } from './proxied.ts';

const ADDRESSES = [
  'remoteAddress',
  'remotePort',
  'remoteFamily',
  'localAddress',
  'localPort',
  'localFamily',
] as const;

const CLIENT = {
  remoteAddress: '198.51.100.7',
  remotePort: 4711,
  remoteFamily: 'IPv4',
  localAddress: '203.0.113.9',
  localPort: 443,
  localFamily: 'IPv4',
};

/** Gives what a socket shows. */
function shown(socket: Socket): object {
  const { address, port, family } = socket.address() as AddressInfo;
  const facts = Object.fromEntries(ADDRESSES.map((name) => [name, socket[name]]));
  expect({ address, port, family }).toEqual({
    address: facts.localAddress,
    port: facts.localPort,
    family: facts.localFamily,
  });
  return facts;
}

async function listen(application: Application): Promise<Server> {
  const server = createServer(application, { proxyProtocol: ['loopback'] });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => server.shutdown({ timeout: 1 }));
  return server;
}

function send(server: Server, ...pieces: (Uint8Array | string)[]): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  for (const piece of pieces) socket.write(piece);
  return collect(socket);
}

const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';

describe('the client behind a proxy', () => {
  it.each([
    ['text', TEXT],
    ['binary', BINARY],
  ])('is seen by programs for node: %s', async (_name, octets) => {
    const seen: object[] = [];
    const listener: RequestListener = (request, response) => {
      seen.push(shown(request.socket), shown(response.socket as Socket));
      response.end('ok');
    };
    expect(await send(await listen(fromNode(listener)), octets, GET)).toMatch(/ok$/);
    expect(seen).toEqual([CLIENT, CLIENT]);
  });

  it('is seen by Express', async () => {
    const app = express().get('/', (request, response) => {
      response.json([request.ip, request.ips, request.secure, request.protocol, request.socket.remotePort]);
    });
    const server = await listen(fromExpress(app));
    expect(await send(server, TEXT, GET)).toMatch(/\["198\.51\.100\.7",\[\],false,"http",4711\]$/);
    const secure = header(0x21, 0x21, FROM_IPV6, ssl(1, 1, tlv(0x21, 'TLSv1.3')));
    expect(await send(server, secure, GET)).toMatch(/\["2001:db8::7",\[\],true,"https",4711\]$/);
  });

  it('is seen by Fastify', async () => {
    const app = Fastify().get('/', async ({ ip, protocol, socket }) => [ip, protocol, socket.localPort]);
    const server = await listen(fromFastify(app));
    expect(await send(server, BINARY, GET)).toMatch(/\["198\.51\.100\.7","http",443\]$/);
    const secure = header(0x21, 0x11, FROM_IPV4, ssl(1, 1));
    expect(await send(server, secure, GET)).toMatch(/\["198\.51\.100\.7","https",443\]$/);
  });

  it('is seen by listeners of each event', async () => {
    const seen: Record<string, object[]> = {
      connection: [],
      request: [],
      upgrade: [],
      connect: [],
      clientError: [],
    };
    const server = await listen(tell);
    const accepted: Socket[] = [];
    server.on('connection', (socket: Socket) => {
      accepted.push(socket);
      seen.connection?.push(shown(socket));
    });
    server.on('request', (request: IncomingMessage) => {
      seen.request?.push(shown(request.socket));
      expect(accepted).toContain(request.socket);
    });
    for (const event of ['upgrade', 'connect']) {
      server.on(event, (request: IncomingMessage, socket: Socket) => {
        seen[event]?.push(shown(request.socket), shown(socket));
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\nraw');
      });
    }
    server.on('clientError', (_error, socket: Socket) => {
      seen.clientError?.push(shown(socket));
      socket.end();
    });
    await send(server, TEXT, GET);
    expect(await send(server, BINARY, UPGRADE)).toMatch(/raw$/);
    expect(await send(server, BINARY, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')).toMatch(/raw$/);
    await send(server, TEXT, 'no HTTP\r\n\r\n');
    expect(seen).toEqual({
      connection: [CLIENT, CLIENT, CLIENT, CLIENT],
      request: [CLIENT],
      upgrade: [CLIENT, CLIENT],
      connect: [CLIENT, CLIENT],
      clientError: [CLIENT],
    });
  });

  it('is not a proxy that trustedProxy trusts', async () => {
    const server = await listen(compose(trustedProxy({ addresses: ['loopback'] }))(tell));
    const forged = 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 9.9.9.9\r\nConnection: close\r\n\r\n';
    expect(await send(server, TEXT, forged)).toContain('"REMOTE_ADDR":"198.51.100.7"');
    // For a connection of the proxy's own the field counts.
    expect(await send(server, header(0x20, 0), forged)).toContain('"REMOTE_ADDR":"9.9.9.9"');
  });

  it('is met by a listener that takes the connection first', async () => {
    const server = await listen(tell);
    const [own] = server.listeners('connection');
    server.removeAllListeners('connection');
    const seen: object[] = [];
    server.on('connection', (socket: Socket) => {
      seen.push(shown(socket));
      socket.once('data', (octets) => {
        socket.unshift(octets);
        Reflect.apply(own as () => void, server, [socket]);
      });
    });
    expect(await send(server, TEXT, GET)).toContain('"REMOTE_ADDR":"198.51.100.7"');
    expect(seen).toEqual([CLIENT]);
  });
});
