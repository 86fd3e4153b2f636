/** Clients of HTTP/1.1 and HTTP/2, over TCP or TLS. Each keeps its connection from request to request, unless it leaves. */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { request as requestHttps, Agent as SecureAgent } from 'node:https';
import type { ClientRequest, ClientResponse } from './matrix.ts';

/** A client of one server. */
export interface Client {
  send(request: ClientRequest): Promise<ClientResponse>;
  close(): void;
}

/** The certificate of the tests is signed by itself. */
const TRUSTING = { rejectUnauthorized: false } as const;

/** Makes a client. @param base Scheme, host, port and mount, without a slash at the end */
export type Connect = (base: string) => Client;

/** Speaks HTTP/1.1. */
export const connectHttp1: Connect = (base) => {
  const isSecure = base.startsWith('https:');
  const agent = isSecure ? new SecureAgent({ keepAlive: true, ...TRUSTING }) : new Agent({ keepAlive: true });
  return {
    async send({ method = 'GET', path, fields = {}, content, hasUnknownLength }) {
      const headers = { ...fields, ...lengthOf(content, hasUnknownLength) };
      const ask = isSecure ? requestHttps : requestHttp;
      const request = ask(`${base}${path}`, { method, headers, agent });
      request.end(content);
      // The type of an event's values is not known.
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      // Whoever iterates sees it.
      response.on('error', () => {});
      return {
        status: Number(response.statusCode),
        fields: pairsOf(response.rawHeaders),
        content: response,
        leave: () => response.destroy(),
      };
    },
    close: () => agent.destroy(),
  };
};

/** Speaks HTTP/2 with prior knowledge, or negotiates it by TLS. */
export const connectHttp2: Connect = (base) => {
  const { origin, pathname } = new URL(base);
  const mount = pathname === '/' ? '' : pathname;
  const session = connect(origin, TRUSTING);
  session.on('error', () => {});
  return {
    async send({ method = 'GET', path, fields = {}, content, hasUnknownLength }) {
      const target = { ':method': method, ':path': `${mount}${path}` };
      const headers = { ...target, ...fields, ...lengthOf(content, hasUnknownLength) };
      const stream = session.request(headers, { endStream: content === undefined });
      if (content !== undefined) stream.end(content);
      // The type of an event's values is not known.
      const [head, , lines] = (await once(stream, 'response')) as [IncomingHttpHeaders, number, string[]];
      stream.on('error', () => {});
      return {
        status: Number(head[':status']),
        fields: pairsOf(lines),
        content: stream,
        leave: () => stream.close(constants.NGHTTP2_CANCEL),
      };
    },
    close: () => session.destroy(),
  };
};

function lengthOf(content: Buffer | undefined, isUnknown = false): Record<string, string> {
  return content === undefined || isUnknown ? {} : { 'Content-Length': `${content.length}` };
}

function pairsOf(lines: readonly string[]): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < lines.length; index += 2)
    pairs.push([`${lines[index]}`.toLowerCase(), `${lines[index + 1]}`]);
  return pairs;
}
