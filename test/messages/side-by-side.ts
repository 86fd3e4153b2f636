/**
 * A server of node:http and one of ours for the same program, and a client that records what each server sends.
 *
 * A transcript is everything that came over the wire, octet by octet, except for the value of Date.
 */
import { createServer as createNodeServer, type Server as NodeServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type Server } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';

/** A listening server. */
export interface Listening {
  readonly port: number;
  /** Text written to `wsgi.errors`, write by write. */
  readonly log: string[];
  close(): Promise<void>;
}

/** The common part of both kinds of server. */
interface AnyServer {
  listen(port: number, host: string, listener: () => void): unknown;
  address(): AddressInfo | string | null;
  on(event: 'connection', listener: (socket: Socket) => void): unknown;
  close(callback: () => void): unknown;
}

/** Makes a server listen on a free port. */
export async function listen(server: AnyServer, log: string[] = []): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // The address is a string only for a pipe.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    log,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Serves a listener with node:http. */
export function listenNode(
  listener: RequestListener,
  prepare: (server: NodeServer) => unknown = () => {},
): Promise<Listening> {
  const server: NodeServer = createNodeServer(listener);
  prepare(server);
  return listen(server);
}

/** Serves an application with the standalone server. */
export function listenOurs(
  application: Application,
  prepare: (server: Server) => unknown = () => {},
): Promise<Listening> {
  const log: string[] = [];
  const errors = {
    write: (text: string) => void log.push(text),
    writelines: (lines: Iterable<string>) => void log.push(...lines),
    flush: () => {},
  };
  const server = createServer(application, { environ: { 'wsgi.errors': errors } });
  prepare(server);
  return listen(server, log);
}

/** A step of a client: send octets, wait for milliseconds, for an answer or for a promise, or close its half. */
export type Step = string | Uint8Array | number | 'answer' | 'end' | (() => Promise<unknown>);

/** Takes the steps of a client and returns everything that came back until the server closed. */
export async function transcript({ port }: Listening, ...steps: Step[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const pieces: Buffer[] = [];
  socket.on('data', (piece) => pieces.push(piece));
  const closed = new Promise<void>((resolve, reject) => {
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
  let seen = 0;
  const answer = async (): Promise<void> => {
    await until(() => pieces.length > seen || socket.destroyed);
    while (pieces.length > seen) {
      seen = pieces.length;
      await pause(5);
    }
  };
  for (const step of steps) {
    if (typeof step === 'number') await pause(step);
    else if (typeof step === 'function') await step();
    else if (step === 'answer') await answer();
    else if (step === 'end') socket.end();
    else if (!socket.destroyed) socket.write(step);
  }
  await closed;
  return withoutDate(Buffer.concat(pieces).toString('latin1'));
}

/** Masks values that two servers cannot share. */
export function withoutDate(text: string): string {
  return text.replace(/^(date: ).*$/gim, '$1…');
}

/** Formats a request that makes the server close. */
export function request(
  method: string,
  target: string,
  fields: readonly string[] = [],
  content = '',
): string {
  const framing = content === '' ? [] : [`Content-Length: ${Buffer.byteLength(content)}`];
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: example.test', ...fields, ...framing];
  return `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${content}`;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Polls until a condition holds; the test's own time limit ends the wait. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(2);
}
