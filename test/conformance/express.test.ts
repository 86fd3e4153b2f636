import { auditHost } from './conformance.ts';
import { expressMounted, expressRoot } from './hosts.ts';

auditHost(expressRoot);
auditHost(expressMounted);
