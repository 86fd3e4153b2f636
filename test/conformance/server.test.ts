import { auditHost } from './conformance.ts';
import { standalone } from './hosts.ts';

auditHost(standalone);
