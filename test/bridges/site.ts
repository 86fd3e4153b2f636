/** Servers on real sockets at 127.0.0.1 for the tests of mounts; all close at the end of a test. */
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { WireClient, type WireResponse } from '../../src/conformance/wire-client.ts';
import type { Application, Environ, HeaderList } from '../../src/wsgi.ts';

/** A listening server. */
export interface Site {
  readonly port: number;
  /** Opens a connection. */
  open(timeout?: number): WireClient;
  /** Sends one request on a connection of its own and reads the answer. */
  fetch(request: WireRequest | string): Promise<WireResponse>;
}

/** The parts of a request; a string alone is a target. */
export interface WireRequest {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: HeaderList;
  readonly content?: string | Uint8Array;
  readonly protocol?: string;
}

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Closes something at the end of the test. */
export function atEnd(close: () => unknown): void {
  closers.push(async () => {
    await close();
  });
}

/** Makes a server listen on a free port until the end of the test. */
export async function listen(server: Server): Promise<Site> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return siteOf(server);
}

/** Does the same for a server that already listens. */
export function siteOf(server: Server): Site {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // `address()` returns this for a server that listens on a port.
  const { port } = server.address() as AddressInfo;
  const clients: WireClient[] = [];
  atEnd(() => {
    for (const client of clients) client.destroy();
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const open = (timeout?: number): WireClient => {
    const client = new WireClient(connect(port, '127.0.0.1'), timeout);
    clients.push(client);
    return client;
  };
  return {
    port,
    open,
    async fetch(request) {
      const client = open();
      const parts = typeof request === 'string' ? { target: request } : request;
      client.send(formatRequest(parts));
      return client.readResponse(parts.method);
    },
  };
}

/** Formats a request; content gets a Content-Length unless the headers frame it. */
export function formatRequest(request: WireRequest | string): Buffer {
  const parts = typeof request === 'string' ? { target: request } : request;
  const { method = 'GET', target = '/', headers = [], content, protocol = 'HTTP/1.1' } = parts;
  const lines: HeaderList = [['Host', 'site.test'], ...headers];
  const isFramed = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  const octets = Buffer.from(content ?? '');
  if (content !== undefined && !isFramed) lines.push(['Content-Length', `${octets.length}`]);
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`${method} ${target} ${protocol}\r\n${head}\r\n`, 'latin1'), octets]);
}

/** Answers with the environ and the content as JSON. */
export const report: Application = async (environ, startResponse) => {
  const content = await environ['wsgi.input'].read();
  const variables = Object.fromEntries(Object.entries(environ).filter(([key]) => /^[A-Z_]+$/.test(key)));
  startResponse('200 OK', [['Content-Type', 'application/json']]);
  return [Buffer.from(JSON.stringify({ ...variables, content: Buffer.from(content).toString('latin1') }))];
};

/** Parses the answer of `report`. */
export function reported(response: { readonly content: Buffer }): Record<string, string | undefined> {
  return JSON.parse(response.content.toString('utf8'));
}

/** Gives SCRIPT_NAME and PATH_INFO as `report` saw them. */
export async function place(site: Site, request: WireRequest | string): Promise<string> {
  const { SCRIPT_NAME, PATH_INFO } = reported(await site.fetch(request));
  return `${SCRIPT_NAME} + ${PATH_INFO}`;
}

/** Answers with one text and headers. */
export function answering(text: string, headers: HeaderList = [], status = '200 OK'): Application {
  return (_environ, startResponse) => {
    startResponse(status, headers);
    return [Buffer.from(text)];
  };
}

/** A `wsgi.errors` that records what is written. */
export function createLog(): { text: string; environ: Record<string, unknown> } {
  const log = { text: '', environ: {} };
  const write = (text: string): void => {
    log.text += text;
  };
  const writelines = (lines: Iterable<string>): void => write([...lines].join(''));
  log.environ = { 'wsgi.errors': { write, writelines, flush: () => {} } };
  return log;
}

/** Gets a function from the environ. */
export function extension<T extends (...args: never[]) => unknown>(environ: Environ, key: string): T {
  const value = environ[key];
  if (typeof value !== 'function') throw new TypeError(`${key} is no function`);
  // Extension keys are not in the type of the environ.
  return value as unknown as T;
}

/** Polls until a condition holds. */
export async function until(isSo: () => boolean, milliseconds = 5000): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`Not within ${milliseconds} ms: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Yields chunks one by one. */
export function pieces(chunks: readonly string[], headers: HeaderList = [], status = '200 OK'): Application {
  return async function* (_environ, startResponse) {
    startResponse(status, headers);
    for (const chunk of chunks) yield Buffer.from(chunk);
  };
}
