/**
 * Round trips: our server runs a wrapped app, in which an application is mounted.
 *
 * The application can do there all that it can do in an app on node:http. The time of 100 (Continue) is not audited:
 * the head waits for the wrapped app to return, so a 100 may come before it. Nor is HTTP/2.
 */
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { fromFastify, toFastify } from '../../bridges/fastify/index.ts';
import type {
  AuditCapability,
  AuditGatewayOptions,
  AuditHost,
  AuditServeOptions,
} from '../../src/conformance/index.ts';
import { createServer } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import {
  createFastify,
  expressMounted,
  expressOptions,
  fastifyPrefixed,
  mountInExpress,
  mountInFastify,
} from './hosts.ts';
import { createLog, listen, SHARED_KEY } from './listening.ts';

/** The parts of a round trip. */
interface Nest {
  readonly application: Application;
  readonly gateway: AuditGatewayOptions;
  readonly mounts: readonly string[];
  readonly options: AuditServeOptions;
}

const MISSING: ReadonlySet<AuditCapability> = new Set(['expect', 'http2']);

function createRoundTrip(name: string, mounted: AuditHost, nest: (parts: Nest) => Application): AuditHost {
  const capabilities = new Set([...mounted.capabilities].filter((capability) => !MISSING.has(capability)));
  return {
    ...mounted,
    name,
    capabilities,
    async serve(application, options = {}) {
      const log = createLog(options);
      const mounts = options.mounts ?? ['/m'];
      const nested = nest({ application, gateway: log.gateway, mounts, options });
      const server = createServer(nested, { ...log.gateway, ...(options.tls ? { tls: SHARED_KEY } : {}) });
      return listen(server, { log, mount: mounts.join(''), isTls: options.tls });
    },
  };
}

/** An application in an Express app on our server. */
export const expressRoundTrip: AuditHost = createRoundTrip(
  'fromExpress(toExpress)',
  expressMounted,
  ({ application, gateway, mounts, options }) =>
    fromExpress(mountInExpress(toExpress(application, expressOptions(gateway, options)), mounts, options)),
);

/** An application in a Fastify instance on our server. */
export const fastifyRoundTrip: AuditHost = createRoundTrip(
  'fromFastify(toFastify)',
  fastifyPrefixed,
  ({ application, gateway, mounts, options }) => {
    const instance = createFastify(options);
    mountInFastify(instance, toFastify(application, gateway), mounts);
    return fromFastify(instance);
  },
);
