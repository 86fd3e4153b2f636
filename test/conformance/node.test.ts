import { auditHost } from './conformance.ts';
import { node, nodeOverTls } from './hosts.ts';

auditHost(node);
auditHost(nodeOverTls);
