import { auditHost } from './conformance.ts';
import { node } from './hosts.ts';

auditHost(node);
