/** Live connections, by the sockets of both ends; they close at the end of a test. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { onTestFinished } from 'vitest';

/** The two ends of a connection. */
export interface Connection {
  readonly client: Socket;
  /** The end of the server; nobody has begun to read it. */
  readonly socket: Socket;
}

/** A request on node's own server, whose client waits for the response. */
export interface LiveExchange {
  readonly client: Socket;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Opens a connection over plain TCP. */
export async function openTcp(): Promise<Connection> {
  const server = createServer();
  const port = await listen(server);
  return accept(server, connect(port, '127.0.0.1'), 'connection');
}

/** Opens a connection over TLS. */
export async function openTls(): Promise<Connection> {
  const folder = new URL('../support/tls/', import.meta.url);
  const read = (name: string): Buffer => readFileSync(new URL(name, folder));
  const server = createTlsServer({ key: read('key.pem'), cert: read('cert.pem') });
  const port = await listen(server);
  const client = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  return accept(server, client, 'secureConnection');
}

/** Opens a connection over a unix socket. */
export async function openUnix(): Promise<Connection> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebridge-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'socket');
  const server = createServer();
  await listen(server, path);
  return accept(server, connect(path), 'connection');
}

/** Sends a request to node's own server. */
export async function openHttp(event: 'request' | 'checkContinue', text: string): Promise<LiveExchange> {
  const server = createHttpServer();
  const port = await listen(server);
  const exchange = once(server, event);
  const client = connect(port, '127.0.0.1', () => client.write(text));
  onTestFinished(() => void client.destroy());
  const [request, response]: [IncomingMessage, ServerResponse] = (await exchange) as never;
  onTestFinished(() => void request.socket.destroy());
  return { client, request, response };
}

async function listen(server: Server, path?: string): Promise<number> {
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  // A path has a string for an address.
  return (server.address() as Partial<AddressInfo>).port ?? 0;
}

async function accept(server: Server, client: Socket, event: string): Promise<Connection> {
  const [socket]: Socket[] = await once(server, event);
  if (socket === undefined) throw new TypeError('The server has no connection');
  for (const end of [client, socket]) {
    end.on('error', () => {});
    onTestFinished(() => void end.destroy());
  }
  return { client, socket };
}
