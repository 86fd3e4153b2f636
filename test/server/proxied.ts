/** Servers behind proxies that speak the PROXY protocol, and clients that play the proxy. */
import { once } from 'node:events';
import { type AddressInfo, connect, type ListenOptions, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { createServer, type Server, type ServerOptions } from '../../src/server/index.ts';
import type { Application, ProxyProtocol } from '../../src/wsgi.ts';
import { FROM_IPV4, header } from '../support/proxy-header.ts';

/** A header of version 1. */
export const TEXT = Buffer.from('PROXY TCP4 198.51.100.7 203.0.113.9 4711 443\r\n');
/** The same of version 2. */
export const BINARY = header(0x21, 0x11, FROM_IPV4);
/** A request; its response is the last one. */
export const GET = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
/** A request whose connection is kept. */
export const KEPT = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n');

/** The connection as the application sees it. */
export interface Told {
  readonly [key: string]: unknown;
  readonly protocol?: ProxyProtocol;
}

const KEYS = ['REMOTE_ADDR', 'REMOTE_PORT', 'SERVER_NAME', 'SERVER_PORT', 'wsgi.url_scheme'] as const;
const MORE = ['HTTPS', 'SSL_PROTOCOL', 'SSL_CIPHER', 'SSL_CLIENT_VERIFY'] as const;

/** Tells the connection, one line for each request. */
export const tell: Application = async (environ, startResponse) => {
  const content = await environ['wsgi.input'].read();
  startResponse('200 OK', []);
  const keys = Object.fromEntries([...KEYS, ...MORE].map((key) => [key, environ[key]]));
  return [
    `${JSON.stringify({ ...keys, length: content.length, protocol: environ['gateway.proxy_protocol'] })}\n`,
  ];
};

/** A server behind a proxy. */
export interface Behind {
  readonly server: Server;
  /** Errors of clients: their codes, those of their causes, and if the socket could still be answered. */
  readonly faults: unknown[][];
  open(): Socket;
  /** Sends pieces, each in a packet of its own; gives all that comes until the server closes. */
  send(...pieces: Uint8Array[]): Promise<string>;
  /** What the application was told; undefined if the server has closed without an answer. */
  ask(...pieces: Uint8Array[]): Promise<Told | undefined>;
}

/** Starts a server that trusts this machine. */
export async function start(
  options: ServerOptions = {},
  place: ListenOptions = { port: 0, host: '127.0.0.1' },
): Promise<Behind> {
  const server = createServer(tell, { proxyProtocol: ['loopback', 'unix'], ...options });
  const faults: unknown[][] = [];
  server.on('clientError', (error: Error & { code?: string }, socket: Socket) => {
    faults.push([error.code, Reflect.get(Object(error.cause), 'code'), socket.writable]);
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  await once(server.listen(place), 'listening');
  onTestFinished(() => server.shutdown({ timeout: 1 }));
  const open = (): Socket => {
    const address = server.address();
    const where = typeof address === 'string' ? { path: address } : { port: (address as AddressInfo).port };
    const socket = connect({ host: '127.0.0.1', noDelay: true, ...where });
    onTestFinished(() => void socket.destroy());
    return socket;
  };
  const send = async (...pieces: Uint8Array[]): Promise<string> => {
    const socket = open();
    const answer = collect(socket);
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await delay(2);
      socket.write(piece);
    }
    return answer;
  };
  const ask = async (...pieces: Uint8Array[]): Promise<Told | undefined> => parse(await send(...pieces));
  return { server, faults, open, send, ask };
}

/** Reads to the end; a reset ends a connection too. */
export async function collect(socket: Duplex): Promise<string> {
  let text = '';
  socket.on('data', (octets: Buffer) => {
    text += octets.toString();
  });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

/** Parses the last answer. */
export function parse(answer: string): Told | undefined {
  const line = answer.split('\n').findLast((text) => text.startsWith('{'));
  return line === undefined ? undefined : JSON.parse(line);
}

/** The client of both headers, as an application sees it. */
export const CLIENT = {
  REMOTE_ADDR: '198.51.100.7',
  REMOTE_PORT: '4711',
  SERVER_NAME: '203.0.113.9',
  SERVER_PORT: '443',
};
/** A client with IPv6. */
export const CLIENT_6 = { ...CLIENT, REMOTE_ADDR: '2001:db8::7', SERVER_NAME: '[2001:db8::9]' };
