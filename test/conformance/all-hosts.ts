/** All hosts under audit, in the order of the table in docs/conformance.md. */
import type { AuditHost } from '../../src/conformance/index.ts';
import { fastCgiCircle } from './fastcgi-host.ts';
import { fetchOverNode } from './fetch-host.ts';
import {
  cgi,
  expressMounted,
  expressRoot,
  fastifyHijacked,
  fastifyPrefixed,
  node,
  nodeOverTls,
  standalone,
} from './hosts.ts';
import { nodeOverHttp2 } from './http2-host.ts';
import { expressRoundTrip, fastifyRoundTrip } from './round-trips.ts';

/** The hosts. */
export const ALL_HOSTS: readonly AuditHost[] = [
  standalone,
  node,
  nodeOverTls,
  nodeOverHttp2,
  expressRoot,
  expressMounted,
  fastifyPrefixed,
  fastifyHijacked,
  fetchOverNode,
  cgi,
  fastCgiCircle,
  expressRoundTrip,
  fastifyRoundTrip,
];
