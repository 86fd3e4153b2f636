/** A server of HTTP/2 for a test, and clients of it. */
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { createServer, type Server, type ServerOptions } from '../../../src/server/index.ts';
import type { Application } from '../../../src/wsgi.ts';
import { FrameClient } from './frames.ts';

/** A running server, and the clients of a test. */
export interface Http2Server {
  readonly server: Server;
  readonly port: number;
  /** Text written to `wsgi.errors`. */
  readonly log: string[];
  /** Opens a session of node's client. */
  session(): ClientHttp2Session;
  /** Opens a connection of frames. */
  frames(): FrameClient;
  /** Ends all clients and the server. */
  stop(): Promise<void>;
}

/** Starts a server with HTTP/2. */
export async function startHttp2(
  application: Application,
  options: ServerOptions = {},
): Promise<Http2Server> {
  const log: string[] = [];
  const ends: (() => void)[] = [];
  const errors = { write: (text: string) => log.push(text), writelines: () => {}, flush: () => {} };
  const server = createServer(application, { ...options, http2: true, environ: { 'wsgi.errors': errors } });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    log,
    session() {
      const session = connect(`http://127.0.0.1:${port}`);
      session.on('error', () => {});
      ends.push(() => session.destroy());
      return session;
    },
    frames() {
      const client = new FrameClient(port);
      ends.push(() => client.destroy());
      return client;
    },
    async stop() {
      for (const end of ends) end();
      await server.shutdown({ timeout: 1_000 });
    },
  };
}

/** A response as node's client shows it. */
export interface Http2Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly content: Buffer;
  readonly trailers: IncomingHttpHeaders;
  readonly interim: readonly IncomingHttpHeaders[];
  /** The code with which the stream was closed. */
  readonly code: number;
}

/** Sends a request, and reads the response to the end of its stream. */
export async function fetchHttp2(
  session: ClientHttp2Session,
  fields: OutgoingHttpHeaders = {},
  content?: string | Buffer,
): Promise<Http2Response> {
  const stream = session.request({ ':path': '/', ...fields }, { endStream: content === undefined });
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const interim: IncomingHttpHeaders[] = [];
  const pieces: Buffer[] = [];
  stream.on('headers', (received) => interim.push(received));
  stream.on('response', (received) => {
    headers = received;
  });
  stream.on('trailers', (received) => {
    trailers = received;
  });
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  stream.on('error', () => {});
  if (content !== undefined) stream.end(content);
  await new Promise((resolve) => stream.on('close', resolve));
  const status = Number(headers[':status'] ?? 0);
  return { status, headers, content: Buffer.concat(pieces), trailers, interim, code: stream.rstCode ?? 0 };
}

/**
 * Starts one server for all tests of a file, and stops it after the last. To be called once in a file of tests.
 *
 * @returns an object that is the server once the tests run
 */
export function startForAll(...parameters: Parameters<typeof startHttp2>): Http2Server {
  // It is empty until then.
  const running = {} as Http2Server;
  beforeAll(async () => {
    Object.assign(running, await startHttp2(...parameters));
  });
  afterAll(() => running.stop());
  return running;
}

/** Gives a function that starts a server, and stops the server after each test. To be called once in a file of tests. */
export function startForEach(): typeof startHttp2 {
  let running: Http2Server | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });
  return async (application, options) => {
    running = await startHttp2(application, options);
    return running;
  };
}
