/** Asks an application on the standalone server, for octets. */
import { once } from 'node:events';
import { type IncomingMessage, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from '../../src/server/index.ts';
import { MemoryErrors } from '../../src/testing/index.ts';
import type { Application } from '../../src/wsgi.ts';

/** A response whose content was not decoded. */
export interface OctetAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly octets: Buffer;
  /** Text of wsgi.errors. */
  readonly log: string;
}

export interface OctetQuestion {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

/** Starts a server for a test. */
export async function listen(application: Application, errors = new MemoryErrors()): Promise<Server> {
  const server = createServer(application, { environ: { 'wsgi.errors': errors }, closeTimeout: 100 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Sends one request; the path as it is. */
export async function askOctets(
  application: Application,
  { method = 'GET', path = '/', headers = {} }: OctetQuestion = {},
): Promise<OctetAnswer> {
  const errors = new MemoryErrors();
  const server = await listen(application, errors);
  try {
    return await new Promise<OctetAnswer>((resolve, reject) => {
      const options = { port: portOf(server), method, path, headers, agent: false };
      const request = sendRequest(options, (response) => {
        const pieces: Buffer[] = [];
        response.on('error', reject).on('data', (piece) => pieces.push(piece));
        response.on('end', () => {
          const { statusCode: status = 0, headers: fields } = response;
          resolve({ status, headers: fields, octets: Buffer.concat(pieces), log: errors.text });
        });
      });
      request.on('error', reject).end();
    });
  } finally {
    await server.shutdown({ timeout: 1000 });
  }
}
