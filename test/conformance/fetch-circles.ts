/**
 * Circles of the Fetch API: an application that toFetch has turned into a handler becomes an application again by fromFetch.
 *
 * The handler gets what it knows of a request from the `Request` alone, and the address of the client, so that nothing of the outer
 * environ passes beside it.
 */
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { fromFetch, toFetch } from '../../bridges/fetch/index.ts';
import type { AuditCapability, AuditGatewayOptions, AuditHost } from '../../src/conformance/index.ts';
import type { Application } from '../../src/index.ts';
import { createServer } from '../../src/server/index.ts';
import { fetchOverNode, listenerOf } from './fetch-host.ts';
import { createLog, listen, SHARED_KEY } from './listening.ts';

/** Turns an application by toFetch, and back by fromFetch. */
function turn(application: Application, gateway: AuditGatewayOptions): Application {
  const handle = toFetch(application, gateway);
  return fromFetch((request, { environ }, context) =>
    handle(request, {
      remoteAddress: environ.REMOTE_ADDR,
      remotePort: environ.REMOTE_PORT,
      waitUntil: (work) => context.waitUntil(work),
    }),
  );
}

/** The circle on the standalone server. */
export const fetchCircle: AuditHost = {
  ...fetchOverNode,
  name: 'fromFetch(toFetch)',
  capabilities: new Set<AuditCapability>([...fetchOverNode.capabilities, 'half-close']),
  async serve(application, options = {}) {
    const log = createLog(options);
    const server = createServer(turn(application, log.gateway), {
      ...log.gateway,
      ...(options.tls ? { tls: SHARED_KEY } : {}),
    });
    return listen(server, { log, isTls: options.tls });
  },
};

/** The circle behind toFetch, on node:http. */
export const fetchSpiral: AuditHost = {
  ...fetchOverNode,
  name: 'toFetch(fromFetch(toFetch))',
  async serve(application, options = {}) {
    const log = createLog(options);
    const listener = listenerOf(toFetch(turn(application, log.gateway), log.gateway));
    const server = options.tls ? createHttpsServer(SHARED_KEY, listener) : createHttpServer(listener);
    return listen(server, { log, isTls: options.tls });
  },
};
