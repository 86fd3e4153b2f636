/** All hosts under audit, in the order of the table in docs/conformance.md. */
import type { AuditHost } from '../../src/conformance/index.ts';
import { cgiCircle } from './cgi-circle.ts';
import { NOT_THROUGH_CGI, NOT_THROUGH_FETCH, NOT_THROUGH_PYTHON } from './circle-exemptions.ts';
import { fastCgiCircle } from './fastcgi-host.ts';
import { fetchCircle, fetchSpiral } from './fetch-circles.ts';
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
import { nodeOverHttp2, standaloneOverHttp2 } from './http2-host.ts';
import { pythonCircle } from './python-circle.ts';
import { expressRoundTrip, fastifyRoundTrip } from './round-trips.ts';

/** The hosts. */
export const ALL_HOSTS: readonly AuditHost[] = [
  standalone,
  standaloneOverHttp2,
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
  fetchCircle,
  fetchSpiral,
  cgiCircle,
  pythonCircle,
];

/** The reasons for which audits do not apply to a host that has the capabilities, by audit. */
export const EXEMPT: ReadonlyMap<AuditHost, ReadonlyMap<string, string>> = new Map([
  [fetchCircle, NOT_THROUGH_FETCH],
  [fetchSpiral, NOT_THROUGH_FETCH],
  [cgiCircle, NOT_THROUGH_CGI],
  [pythonCircle, NOT_THROUGH_PYTHON],
]);
