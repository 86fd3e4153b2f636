/** Hosts that run in Bun and Deno. */
import { connect } from 'node:net';
import { type FetchHandler, toFetch } from '../../bridges/fetch/index.ts';
import type { AuditHost, AuditServer } from '../../src/conformance/index.ts';
import { expressMounted, fastifyHijacked, fastifyPrefixed, node, standalone } from '../conformance/hosts.ts';
import { createLog } from '../conformance/listening.ts';
import { MIDDLEWARE } from '../conformance/middleware.ts';
import { ENGINE_CAPABILITIES } from './capabilities.ts';

interface Address {
  readonly hostname: string;
  readonly port: number;
}

interface Runtimes {
  readonly Bun?: {
    serve(options: object): { readonly port: number; stop(closes: boolean): Promise<void> };
  };
  readonly Deno?: {
    serve(
      options: object,
      handler: (request: Request, info: { readonly remoteAddr: Address }) => Promise<Response>,
    ): { readonly addr: Address; shutdown(): Promise<void> };
  };
}

interface Served {
  readonly port: number;
  close(): Promise<void>;
}

function serve(handle: FetchHandler): Served {
  const { Bun, Deno } = globalThis as Runtimes;
  if (Bun !== undefined) {
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request: Request, own: { requestIP(request: Request): { address: string; port: number } }) => {
        const { address, port } = own.requestIP(request) ?? {};
        return handle(request, { remoteAddress: address, remotePort: port });
      },
    });
    return { port: server.port, close: () => server.stop(true) };
  }
  if (Deno === undefined) throw new Error('This is neither Bun nor Deno');
  const left = new AbortController();
  const server = Deno.serve(
    { port: 0, hostname: '127.0.0.1', onListen: () => {}, signal: left.signal },
    (request, { remoteAddr }) =>
      handle(request, { remoteAddress: remoteAddr.hostname, remotePort: remoteAddr.port }),
  );
  return {
    port: server.addr.port,
    close: async () => {
      left.abort();
    },
  };
}

const fetchHost: AuditHost = {
  name: 'toFetch',
  capabilities: ENGINE_CAPABILITIES,
  objectKeys: ['fetch.request', 'fetch.info'],
  async serve(application, options = {}): Promise<AuditServer> {
    const log = createLog(options);
    const { port, close } = serve(toFetch(application, log.gateway));
    return {
      port,
      mount: '',
      log: () => log.text(),
      connect: () => connect({ port, host: '127.0.0.1' }),
      close,
    };
  },
  middleware: MIDDLEWARE,
};

/** The hosts by name. */
export const HOSTS: Readonly<Record<string, AuditHost>> = {
  toFetch: fetchHost,
  server: standalone,
  toNode: node,
  toExpress: expressMounted,
  toFastify: fastifyPrefixed,
  'toFastify with hijack': fastifyHijacked,
};
