import { auditHost } from './conformance.ts';
import { cgi } from './hosts.ts';

auditHost(cgi);
