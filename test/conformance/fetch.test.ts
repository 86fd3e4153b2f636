import { auditHost } from './conformance.ts';
import { fetchOverNode } from './fetch-host.ts';

auditHost(fetchOverNode);
