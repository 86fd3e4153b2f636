/** Fetch handlers on the hosts: started for one test, ended after it. */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import fastify, { type FastifyPluginAsync } from 'fastify';
import { afterEach } from 'vitest';
import { toExpress } from '../../../bridges/express/index.ts';
import { toFastify } from '../../../bridges/fastify/index.ts';
import { type FetchProgram, type FromFetchOptions, fromFetch } from '../../../bridges/fetch/index.ts';
import { toNode } from '../../../bridges/node/index.ts';
import type { Application } from '../../../src/index.ts';
import { serve } from '../../../src/server/index.ts';
import { MemoryErrors } from '../../../src/testing/index.ts';
import { type ValidationError, validate } from '../../../src/validate/index.ts';

const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Calls a function after the test. */
export function afterTest(end: () => unknown): void {
  endings.push(end);
}

/** A host that serves a program. */
export interface Site {
  /** The address of the program, with its mount and without a slash at the end. */
  readonly url: string;
  /** What was written to `wsgi.errors`. */
  readonly errors: MemoryErrors;
  /** Rules that the program has broken, as the validator tells. */
  readonly faults: readonly string[];
}

interface Host {
  readonly name: string;
  /** The URL of the mount. */
  listen(application: Application, options: object): Promise<string>;
}

const inFastify = (hijack: boolean): Host => ({
  name: `toFastify with hijack ${hijack}`,
  async listen(application, options) {
    const instance = fastify({ forceCloseConnections: true });
    // Our types do not depend on Fastify's, and so do not match its overloads.
    const plugin = toFastify(application, { ...options, hijack }) as unknown as FastifyPluginAsync;
    await instance.register(plugin, { prefix: '/m' });
    afterTest(() => instance.close());
    return `${await instance.listen({ port: 0, host: '127.0.0.1' })}/m`;
  },
});

/** The hosts. */
export const HOSTS: readonly Host[] = [
  {
    name: 'the standalone server',
    async listen(application, options) {
      const server = await serve(application, { port: 0, ...options });
      afterTest(() => server.shutdown({ timeout: 100 }));
      return `${server.url}`.replace(/\/$/, '');
    },
  },
  {
    name: 'toNode',
    listen: (application, options) => listenOn(createServer(toNode(application, options)), ''),
  },
  {
    name: 'toExpress',
    listen(application, options) {
      const handleError: ErrorRequestHandler = (error, _request, response, next) => {
        if (response.headersSent) next(error);
        else response.status(500).send(`failed: ${error.message}`);
      };
      return listenOn(createServer(express().use('/m', toExpress(application, options), handleError)), '/m');
    },
  },
  inFastify(false),
  inFastify(true),
];

async function listenOn(server: ReturnType<typeof createServer>, mount: string): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterTest(() => {
    server.closeAllConnections();
    server.close();
  });
  // A TCP server has such an address.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${mount}`;
}

/** Serves a program, under the validator, on a host; by default on the standalone server. */
export async function site(
  program: FetchProgram,
  { host = HOSTS[0], ...options }: FromFetchOptions & { readonly host?: Host | undefined } = {},
): Promise<Site> {
  const errors = new MemoryErrors();
  const faults: string[] = [];
  const note = ({ level, rule, message }: ValidationError): void => {
    faults.push(`${level} ${rule}: ${message}`);
  };
  const application = validate(fromFetch(program, options), { onError: note, onWarning: () => {} });
  const url = (await host?.listen(application, { environ: { 'wsgi.errors': errors } })) ?? '';
  return { url, errors, faults };
}

/** Sends octets as they are, and reads until the server closes. */
export async function exchange(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setEncoding('latin1');
  socket.end(request, 'latin1');
  let received = '';
  for await (const text of socket) received += text;
  return received;
}

/** Waits until something is so. */
export async function until(check: () => unknown, what = 'it'): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`${what} has not come`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
