/**
 * The stage of an audit: serves an application on the host, opens connections to it, and closes both at the end.
 *
 * An audit only says what it sends and what must come back.
 */
import assert from 'node:assert/strict';
import type { Application, HeaderList } from '../wsgi.ts';
import type { AuditHost, AuditServeOptions, AuditServer } from './audit.ts';
import { WireClient, type WireResponse } from './wire-client.ts';

/** The parts of a request that differ from `GET / HTTP/1.1` with a Host. */
export interface RequestParts {
  readonly method?: string;
  /**
   * The target below the mount. The mount is put in front of its path, in absolute-form too.
   * @default '/'
   */
  readonly target?: string;
  readonly protocol?: string;
  /** The value of Host; `null` for none. */
  readonly host?: string | null;
  readonly headers?: HeaderList;
  /** The content; Content-Length is added unless the headers have it. */
  readonly content?: string | Uint8Array;
  /** The content in chunks; Transfer-Encoding is added. */
  readonly chunks?: readonly (string | Uint8Array)[];
  readonly trailers?: HeaderList;
}

/** A served application, and the means to send it requests. */
export interface Stage {
  readonly server: AuditServer;
  /** Opens a connection, which is destroyed at the end of the audit. */
  open(): WireClient;
  /** Formats a request to the application. */
  format(parts?: RequestParts): Buffer;
  /** Sends a request on a new connection, and reads the response. */
  fetch(parts?: RequestParts): Promise<WireResponse>;
  /** Sends a request on a given connection, and reads the response. */
  exchange(client: WireClient, parts?: RequestParts): Promise<WireResponse>;
}

/** Serves an application, lets an audit act on it, then closes clients and server. */
export async function onStage(
  host: AuditHost,
  application: Application,
  act: (stage: Stage) => Promise<void>,
  options: AuditServeOptions = {},
): Promise<void> {
  assert.ok(host.serve, `Host ${host.name} has the capability 'serve' but no serve method`);
  const server = await host.serve(application, options);
  await playOn(server, act);
}

/** Like {@link onStage}, with a server that already runs. */
export async function playOn(server: AuditServer, act: (stage: Stage) => Promise<void>): Promise<void> {
  const clients: WireClient[] = [];
  const stage: Stage = {
    server,
    open() {
      const client = new WireClient(server.connect());
      clients.push(client);
      return client;
    },
    format: (parts = {}) => formatRequest(parts, server.mount),
    async fetch(parts) {
      const client = stage.open();
      const response = await stage.exchange(client, parts);
      client.destroy();
      return response;
    },
    exchange(client, parts) {
      client.send(stage.format(parts));
      return client.readResponse(parts?.method);
    },
  };
  try {
    await act(stage);
  } finally {
    for (const client of clients) client.destroy();
    await server.close();
  }
}

function formatRequest(parts: RequestParts, mount: string): Buffer {
  const { method = 'GET', target = '/', protocol = 'HTTP/1.1', host = 'audit.test', headers = [] } = parts;
  const fields = [...headers];
  if (host !== null) fields.unshift(['Host', host]);
  const has = (wanted: string): boolean => fields.some(([name]) => name.toLowerCase() === wanted);
  const content = parts.content === undefined ? undefined : octetsOf(parts.content);
  if (content !== undefined && !has('content-length'))
    fields.push(['Content-Length', String(content.length)]);
  if (parts.chunks !== undefined) fields.push(['Transfer-Encoding', 'chunked']);
  const head = `${method} ${mountTarget(target, mount)} ${protocol}\r\n${formatFields(fields)}`;
  const pieces = [octetsOf(head)];
  if (content !== undefined) pieces.push(content);
  if (parts.chunks !== undefined) pieces.push(formatChunks(parts.chunks), lastChunk(parts.trailers));
  return Buffer.concat(pieces);
}

/** Puts the mount in front of the path of a target: `/x`, `http://host/x`; `*` has no path. */
export function mountTarget(target: string, mount: string): string {
  if (/^(?:[/?]|$)/.test(target)) return mount + target;
  return target.replace(/^(https?:\/\/[^/?]*)/, `$1${mount}`);
}

/** Formats chunks (RFC 9112 §7.1), without the last one. */
export function formatChunks(chunks: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    chunks.flatMap((chunk) => {
      const octets = octetsOf(chunk);
      return [octetsOf(`${octets.length.toString(16)}\r\n`), octets, octetsOf('\r\n')];
    }),
  );
}

function lastChunk(trailers: HeaderList = []): Buffer {
  return octetsOf(`0\r\n${formatFields(trailers)}`);
}

function formatFields(fields: HeaderList): string {
  return `${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

function octetsOf(octets: string | Uint8Array): Buffer {
  return typeof octets === 'string' ? Buffer.from(octets, 'latin1') : Buffer.from(octets);
}
