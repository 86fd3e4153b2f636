/** The hosts of HTTP/2: toNode and the standalone server, behind a translator, because audits speak HTTP/1.1. */
import { createSecureServer, createServer } from 'node:http2';
import { toNode } from '../../bridges/node/index.ts';
import type {
  AuditCapability,
  AuditHost,
  AuditServeOptions,
  AuditServer,
  Listener,
} from '../../src/conformance/index.ts';
import { createServer as createOurServer } from '../../src/server/index.ts';
import { node, standalone } from './hosts.ts';
import { createTranslator } from './http2-translator.ts';
import { createLog, listen, SHARED_KEY } from './listening.ts';

/** Only HTTP/1 has these. */
const NOT_IN_HTTP2: ReadonlySet<AuditCapability> = new Set([
  'http1',
  'deep-pipeline',
  'field-case',
  'framing-choice',
  'upgrade',
]);

/** The same listener as on http, served by node:http2. */
export const nodeOverHttp2: AuditHost = {
  ...node,
  name: 'toNode on http2',
  capabilities: new Set([...node.capabilities].filter((capability) => !NOT_IN_HTTP2.has(capability))),
  async serve(application, options = {}) {
    const log = createLog(options);
    const gateway = toNode(application, log.gateway);
    // The compatibility API of http2 gives the same methods with other types.
    const listener = ((request, response) => {
      options.changeRequest?.(request);
      gateway(request, response);
    }) satisfies Listener as unknown as Parameters<typeof createServer>[1];
    const server = options.tls ? createSecureServer(SHARED_KEY, listener) : createServer(listener);
    if (listener !== undefined) server.on('checkContinue', listener);
    const host = await listen(server, { log, isTls: options.tls, protocols: ['h2'] });
    return translated(host, options);
  },
};

/** Fields that the translation drops, and what a stream has not. */
const NOT_OF_A_STREAM: ReadonlySet<AuditCapability> = new Set([
  ...NOT_IN_HTTP2,
  'own-wire',
  'half-close',
  'drain-limit',
]);

/** The standalone server, which gets nothing but HTTP/2. */
export const standaloneOverHttp2: AuditHost = {
  ...standalone,
  name: 'standalone server over HTTP/2',
  capabilities: new Set([
    ...[...standalone.capabilities].filter((capability) => !NOT_OF_A_STREAM.has(capability)),
    'http2',
  ]),
  async serve(application, options = {}) {
    const log = createLog(options);
    const tls = options.tls ? { tls: SHARED_KEY } : {};
    const server = createOurServer(application, { ...log.gateway, ...tls, http2: true });
    const host = await listen(server, { log, isTls: options.tls, protocols: ['h2'] });
    return translated({ ...host, stop: (timeout) => server.shutdown({ timeout }) }, options);
  },
};

/** Puts a translator in front of a host, unless the audit speaks HTTP/2 itself. */
async function translated(host: AuditServer, options: AuditServeOptions): Promise<AuditServer> {
  if (options.http2) return host;
  const translator = await listen(createTranslator(host.connect, options.tls ? 'https' : 'http'), {});
  return {
    ...host,
    connect: translator.connect,
    async close() {
      await translator.close();
      await host.close();
    },
  };
}
